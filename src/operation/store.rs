//! The executor: carries a statement to the database and brings its answer back, unjudged.
//!
//! One method for each statement, since a connection's type has to be known to build it. All of
//! them are implemented once, for every connection to a database that knows the model's columns.

use diesel::ExpressionMethods;
use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::deserialize;
use diesel::dsl::SqlTypeOf;
use diesel::expression::AsExpression;
use diesel::expression::expression_types::Untyped;
use diesel::insertable::Insertable;
use diesel::query_builder::{AsChangeset, Query, QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;
use diesel::result::Error as DieselError;
use diesel::row::{Field, Row};
use diesel::sql_types::ops::Add;
use diesel::sql_types::{BigInt, SqlType, Text};

use super::child;
use crate::backend::{self, NewKey, RowLock, SupportedConnection, answered};
use crate::error::Result;
use crate::model::bounds::{Bind, NotNull};
use crate::model::{Child, OwnRoot, RootKey, Unguarded, Versioned, VersionedOn};
use crate::statement::columns::Holding;
use crate::statement::{
    Bump, Delete, Guard, Hold, HoldToWrite, InRoot, Increment, Insert, InsertRecord,
    InsertWithVersion, ItsKey, Locking, Look, LookInside, Move, Patch, Purpose, Rows, SelectInRoot,
    SelectNewKey, SelectRecord, SelectVersion, Touch, Update, WithVersion,
};

/// A connection through which the records of a model can be loaded and stored.
///
/// Implemented for every connection to a database that noclobber knows and that has the types of
/// the model's columns. Name it to write code that is generic over the connection:
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::Store;
///
/// fn rename<C: Store<Document>>(conn: &mut C) -> noclobber::Result<Document> {
///     let document = Document::find(1, conn)?;
///     Document { title: "Renamed".into(), ..document }.save(conn)
/// }
/// # fn main() { assert_eq!(rename(&mut documents_with_one_row()).unwrap().version, 2); }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{M}` cannot be stored through `{Self}`",
    label = "not a connection that can store `{M}`",
    note = "the model derives `Versioned`, its columns have types that this database knows, and the \
            feature of the database is enabled: noclobber = {{ version = \"…\", features = [\"sqlite\"] }}"
)]
pub trait Store<M: Versioned>: SupportedConnection {
    #[doc(hidden)]
    fn __update(&mut self, model: &M, next: &M::Version, key: &M::Key) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __touch(
        &mut self,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
    ) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __delete(&mut self, key: &M::Key, expected: &M::Version) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __select(&mut self, key: &M::Key) -> QueryResult<Vec<M>>;

    /// The same, and the row is locked.
    #[doc(hidden)]
    fn __select_locked(&mut self, key: &M::Key, lock: RowLock) -> QueryResult<Vec<M>>;

    /// Inserts a whole record; no row where the database tells one with the same key apart.
    #[doc(hidden)]
    fn __insert_record(
        &mut self,
        model: &M,
        key: &M::Key,
        initial: &M::Version,
    ) -> QueryResult<usize>;

    /// The version that is there now.
    #[doc(hidden)]
    fn __look(&mut self, key: &M::Key) -> QueryResult<Seen<M::Version>>;

    /// The same inside a transaction.
    #[doc(hidden)]
    fn __look_inside(&mut self, key: &M::Key) -> QueryResult<Seen<M::Version>>;

    /// The version that is there, and stays until the transaction ends.
    #[doc(hidden)]
    fn __hold(&mut self, key: &M::Key) -> QueryResult<Option<M::Version>>;

    /// The same, for a record that the transaction is going to write.
    #[doc(hidden)]
    fn __hold_to_write(&mut self, key: &M::Key) -> QueryResult<Option<M::Version>>;

    /// Moves a counter on from whatever it is, unless that is the last one.
    #[doc(hidden)]
    fn __bump(&mut self, key: &M::Key, last: &M::Version) -> QueryResult<usize>;

    /// What [`child::bump`] does with the root of this model's records. Here and not called there, since no
    /// bound can say that whoever stores a model stores its root.
    #[doc(hidden)]
    fn __bump_root(&mut self, root: &RootKey<M>) -> Result<()>;

    /// Holds the root's row, as whoever is going to write it does.
    #[doc(hidden)]
    fn __hold_root(&mut self, root: &RootKey<M>) -> Result<()>;

    /// `__update` of a child that belongs to this root, and so on.
    #[doc(hidden)]
    fn __update_in(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        root: &RootKey<M>,
    ) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __touch_in(
        &mut self,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
        root: &RootKey<M>,
    ) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __delete_in(
        &mut self,
        key: &M::Key,
        expected: &M::Version,
        root: &RootKey<M>,
    ) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __move(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        roots: (&RootKey<M>, &RootKey<M>),
    ) -> QueryResult<usize>;

    /// Whether there is such a child of this root now.
    #[doc(hidden)]
    fn __is_in(&mut self, key: &M::Key, root: &RootKey<M>) -> QueryResult<bool>;
}

/// What a look saw.
#[doc(hidden)]
#[derive(Debug)]
pub enum Seen<V> {
    /// The record, at this version.
    Version(V),
    /// The record, at this version when the transaction first read. It may have another one by now.
    InSnapshot(V),
    /// No record; but there may be one that this account is not to see, or that the transaction's
    /// snapshot does not hold.
    Hidden,
    /// No record.
    Nothing,
}

impl<C, M> Store<M> for C
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
{
    #[inline]
    fn __update(&mut self, model: &M, next: &M::Version, key: &M::Key) -> QueryResult<usize> {
        self.execute_returning_count(&Update {
            model,
            next,
            guard: Guard::new(key, model.version()),
        })
    }

    fn __touch(
        &mut self,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
    ) -> QueryResult<usize> {
        self.execute_returning_count(&Touch { next, guard: Guard::<M>::new(key, expected) })
    }

    fn __delete(&mut self, key: &M::Key, expected: &M::Version) -> QueryResult<usize> {
        self.execute_returning_count(&Delete { guard: Guard::<M>::new(key, expected) })
    }

    fn __select(&mut self, key: &M::Key) -> QueryResult<Vec<M>> {
        let select = SelectRecord::<M, C::Backend>::new(key);
        let rows =
            self.load(select).and_then(|rows| rows.map(|row| read(M::__read(&row?))).collect());
        answered(rows, self)
    }

    fn __select_locked(&mut self, key: &M::Key, lock: RowLock) -> QueryResult<Vec<M>> {
        let select = SelectRecord::<M, C::Backend>::new(key);
        let clause = backend::dialect(self).row_lock(lock);
        let rows = self.load(Locking { select, clause });
        let rows = rows.and_then(|rows| rows.map(|row| read(M::__read(&row?))).collect());
        answered(rows, self)
    }

    fn __insert_record(
        &mut self,
        model: &M,
        key: &M::Key,
        initial: &M::Version,
    ) -> QueryResult<usize> {
        let dialect = backend::dialect(self);
        self.execute_returning_count(&InsertRecord::new(model, key, initial, dialect))
    }

    fn __look(&mut self, key: &M::Key) -> QueryResult<Seen<M::Version>> {
        look::<M, C, Look>(key, self)
    }

    fn __look_inside(&mut self, key: &M::Key) -> QueryResult<Seen<M::Version>> {
        look::<M, C, LookInside>(key, self)
    }

    fn __hold(&mut self, key: &M::Key) -> QueryResult<Option<M::Version>> {
        hold::<M, C, Hold>(key, self)
    }

    fn __hold_to_write(&mut self, key: &M::Key) -> QueryResult<Option<M::Version>> {
        hold::<M, C, HoldToWrite>(key, self)
    }

    fn __bump(&mut self, key: &M::Key, last: &M::Version) -> QueryResult<usize> {
        self.execute_returning_count(&Bump::<M>::new(key, last))
    }

    fn __bump_root(&mut self, root: &RootKey<M>) -> Result<()> {
        child::bump::<M::RootOn, C>(root, M::TABLE, self)
    }

    fn __hold_root(&mut self, root: &RootKey<M>) -> Result<()> {
        Ok(<C as Store<M::RootOn>>::__hold_to_write(self, root).map(drop)?)
    }

    fn __update_in(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        root: &RootKey<M>,
    ) -> QueryResult<usize> {
        let write = Update { model, next, guard: Guard::new(key, model.version()) };
        self.execute_returning_count(&InRoot::<M, _> { write, root })
    }

    fn __touch_in(
        &mut self,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
        root: &RootKey<M>,
    ) -> QueryResult<usize> {
        let write = Touch { next, guard: Guard::<M>::new(key, expected) };
        self.execute_returning_count(&InRoot::<M, _> { write, root })
    }

    fn __delete_in(
        &mut self,
        key: &M::Key,
        expected: &M::Version,
        root: &RootKey<M>,
    ) -> QueryResult<usize> {
        let write = Delete { guard: Guard::<M>::new(key, expected) };
        self.execute_returning_count(&InRoot::<M, _> { write, root })
    }

    fn __move(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        (root, to): (&RootKey<M>, &RootKey<M>),
    ) -> QueryResult<usize> {
        let write = Move { model, next, to, guard: Guard::new(key, model.version()) };
        self.execute_returning_count(&InRoot::<M, _> { write, root })
    }

    fn __is_in(&mut self, key: &M::Key, root: &RootKey<M>) -> QueryResult<bool> {
        let dialect = backend::dialect(self);
        let rows = self.load(SelectInRoot::<M>::new(key, root, dialect));
        let is_in = rows.and_then(|mut rows| Ok(rows.next().transpose()?.is_some()));
        answered(is_in, self)
    }
}

fn look<M, C, P>(key: &M::Key, conn: &mut C) -> QueryResult<Seen<M::Version>>
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
    P: Purpose,
{
    let dialect = backend::dialect(conn);
    let rows = conn.load(SelectVersion::<M, P>::new(key, dialect));
    let counted = rows.and_then(|rows| {
        let (mut version, mut nulls) = (None, 0);
        for row in rows {
            let row = row?;
            if row.get(0).is_none_or(|version| version.is_null()) {
                nulls += 1;
            } else if version.is_none() {
                version = Some(read(M::__read_version(&row))?);
            }
        }
        Ok((version, nulls))
    });
    // One NULL says that rows may be hidden, two say that a snapshot was seen.
    Ok(match answered(counted, conn)? {
        (Some(version), 0 | 1) => Seen::Version(version),
        (Some(version), _) => Seen::InSnapshot(version),
        (None, 0) => Seen::Nothing,
        (None, _) => Seen::Hidden,
    })
}

fn hold<M, C, P>(key: &M::Key, conn: &mut C) -> QueryResult<Option<M::Version>>
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
    P: Purpose,
{
    let dialect = backend::dialect(conn);
    let rows = conn.load(SelectVersion::<M, P>::new(key, dialect));
    let version =
        rows.and_then(|mut rows| rows.next().map(|row| read(M::__read_version(&row?))).transpose());
    answered(version, conn)
}

pub(super) fn read<T>(read: deserialize::Result<T>) -> QueryResult<T> {
    read.map_err(DieselError::DeserializationError)
}

/// A connection through which the rows of a query of type `Q` can be locked, and loaded as `U`.
///
/// Implemented for every connection to a database that noclobber knows, when Diesel can load the query
/// through it.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::LoadLocked;
/// use noclobber::{RowLock, SupportedConnection};
///
/// fn locked<Q, U, C>(query: Q, conn: &mut C) -> noclobber::Result<Vec<U>>
/// where
///     Q: LockRowsDsl,
///     C: for<'query> LoadLocked<'query, Q::Query, U>,
/// {
///     noclobber::transaction(conn, |conn| query.lock_rows(RowLock::for_update()).load(conn))
/// }
/// # fn main() {
/// let drafts: Vec<Document> = locked(Document::query(), &mut documents_with_one_row()).unwrap();
/// # assert_eq!(drafts.len(), 1);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the rows of this query cannot be locked and loaded as `{U}` through `{Self}`",
    label = "not what Diesel's `load` could load either",
    note = "the query is `{Q}`"
)]
pub trait LoadLocked<'query, Q, U>: SupportedConnection {
    #[doc(hidden)]
    fn __load_locked(&mut self, query: Q, lock: RowLock) -> QueryResult<Vec<U>>;
}

// Without `do_not_recommend` the compiler would explain `LoadQuery` instead of the above.
#[diagnostic::do_not_recommend]
impl<'query, C, Q, U> LoadLocked<'query, Q, U> for C
where
    C: SupportedConnection,
    Locking<Q>: LoadQuery<'query, C, U>,
{
    fn __load_locked(&mut self, query: Q, lock: RowLock) -> QueryResult<Vec<U>> {
        let clause = backend::dialect(self).row_lock(lock);
        let rows = Locking { select: query, clause }.load(self);
        answered(rows, self)
    }
}

/// A connection through which a record of a model can be created from a value of type `New`.
///
/// Implemented for every [`Store`] of the model, when `New` is something that Diesel can insert
/// into its table.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::StoreNew;
///
/// fn add<C>(new: NewDocument, conn: &mut C) -> noclobber::Result<Document>
/// where
///     C: StoreNew<Document, NewDocument>,
/// {
///     Document::create(new, conn)
/// }
/// # fn main() {
/// #     let new = NewDocument { title: "New".into() };
/// #     assert_eq!(add(new, &mut documents_with_one_row()).unwrap().version, 1);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{M}` cannot be created from `{New}` through `{Self}`",
    label = "not something to create `{M}` from",
    note = "give `create` what Diesel's `insert_into(…).values(…)` takes for one row of the model's \
            table: a struct with `#[derive(Insertable)]`, `column.eq(value)`, or a tuple of them",
    note = "a child in an aggregate is created in its root, by `create_in`, or by `create_child` of the \
            aggregate"
)]
pub trait StoreNew<M: Versioned, New>: StoreRow<M, New> {}

#[diagnostic::do_not_recommend]
impl<C, M, New> StoreNew<M, New> for C
where
    C: StoreRow<M, New>,
    M: OwnRoot,
{
}

/// A connection through which a child of an aggregate can be created from a value of type `New`.
///
/// Implemented for every [`Store`] of the child's model, when `New` is something that Diesel can insert
/// into its table beside the key of the root.
///
/// ```
/// # include!("../doctest_orders.rs");
/// use noclobber::operation::StoreNewChild;
///
/// fn add<C>(new: NewLine, conn: &mut C) -> noclobber::Result<OrderLine>
/// where
///     C: StoreNewChild<OrderLine, NewLine>,
/// {
///     OrderLine::create_in(1, new, conn)
/// }
/// # fn main() {
/// #     let new = NewLine { article: "Pencil".into(), quantity: 1 };
/// #     assert_eq!(add(new, &mut an_order_with_two_lines()).unwrap().version, 1);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{M}` cannot be created from `{New}` in its root through `{Self}`",
    label = "not something to create `{M}` from",
    note = "give what Diesel's `insert_into(…).values(…)` takes for one row of the model's table: a struct \
            with `#[derive(Insertable)]`, `column.eq(value)`, or a tuple of them; the version and the key \
            of the root are added to it"
)]
pub trait StoreNewChild<M: Child, New>: StoreRow<M, (M::ForeignKey, New)> {}

#[diagnostic::do_not_recommend]
impl<C, M, New> StoreNewChild<M, New> for C
where
    C: StoreRow<M, (M::ForeignKey, New)>,
    M: Child,
{
}

/// What both of them do.
#[doc(hidden)]
pub trait StoreRow<M: Versioned, New>: Store<M> {
    /// Inserts a row whose key the database chooses.
    fn __insert(&mut self, new: New, initial: M::Version) -> QueryResult<Inserted<M::Key>>;

    /// Inserts a row whose key the caller knows; the number of rows.
    fn __insert_known(&mut self, new: New, initial: M::Version) -> QueryResult<usize>;
}

/// What became of an insert.
#[doc(hidden)]
#[derive(Debug)]
pub enum Inserted<Key> {
    /// A row with this key.
    Row(Key),
    /// A row, and the database does not tell its key.
    RowOfUnknownKey,
    /// Nothing: a trigger dropped it.
    Nothing,
}

// Without `do_not_recommend` the compiler would explain `Insertable` instead of the above.
#[diagnostic::do_not_recommend]
impl<C, M, New> StoreRow<M, New> for C
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
    M::VersionColumn: ExpressionMethods,
    SqlTypeOf<M::VersionColumn>: SqlType,
    M::Version: AsExpression<SqlTypeOf<M::VersionColumn>>,
    WithVersion<M, New>: Insertable<M::Table>,
    InsertWithVersion<M, New>: QueryFragment<C::Backend> + QueryId,
{
    fn __insert(&mut self, new: New, initial: M::Version) -> QueryResult<Inserted<M::Key>> {
        let (forget, ask) = match backend::dialect(self).new_key {
            NewKey::Returning => {
                let keys = keys::<M, C>(Insert::<M, (), ItsKey>::new(new, initial), self)?;
                return Ok(keys.into_iter().next().map_or(Inserted::Nothing, Inserted::Row));
            }
            // The number is one column's.
            NewKey::LastInsertId { .. } if M::KEY_COLUMNS > 1 => {
                return Ok(Inserted::RowOfUnknownKey);
            }
            NewKey::LastInsertId { forget, ask } => (forget, ask),
        };
        self.batch_execute(forget)?;
        if <C as StoreRow<M, New>>::__insert_known(self, new, initial)? == 0 {
            return Ok(Inserted::Nothing);
        }
        let keys = keys::<M, C>(SelectNewKey::<M>::new(ask), self)?;
        Ok(keys.into_iter().next().map_or(Inserted::RowOfUnknownKey, Inserted::Row))
    }

    fn __insert_known(&mut self, new: New, initial: M::Version) -> QueryResult<usize> {
        self.execute_returning_count(&Insert::<M, (), Rows>::new(new, initial))
    }
}

/// Reads to the end: a statement is done, and its row kept, only after the last step.
fn keys<M, C>(
    statement: impl Query<SqlType = Untyped> + QueryFragment<C::Backend> + QueryId,
    conn: &mut C,
) -> QueryResult<Vec<M::Key>>
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
{
    let keys =
        conn.load(statement).and_then(|rows| rows.map(|row| read(M::__read_key(&row?))).collect());
    answered(keys, conn)
}

/// A connection through which the changes of type `Changes` can be made to a record of a model.
///
/// Implemented for every [`Store`] of the model, when `Changes` is a Diesel changeset of its table.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::StoreChanges;
///
/// fn apply<Changes, C>(changes: Changes, conn: &mut C) -> noclobber::Result<i64>
/// where
///     C: StoreChanges<Document, Changes>,
/// {
///     Document::patch(1, 1, changes, conn)
/// }
/// # fn main() {
/// #     let conn = &mut documents_with_one_row();
/// #     assert_eq!(apply(documents::title.eq("New"), conn).unwrap(), 2);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Changes}` cannot be applied to `{M}` through `{Self}`",
    label = "not a change of `{M}`",
    note = "give `patch` what Diesel's `update(…).set(…)` takes for the model's table: a struct with \
            `#[derive(AsChangeset)]`, `column.eq(value)`, or a tuple of them"
)]
pub trait StoreChanges<M: Versioned, Changes>: Store<M> {
    #[doc(hidden)]
    fn __patch(
        &mut self,
        changes: Changes,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
        holding: Option<Holding<'_>>,
    ) -> QueryResult<usize>;

    /// The same for a child that belongs to this root.
    #[doc(hidden)]
    fn __patch_in(
        &mut self,
        changes: Changes,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
        root: &RootKey<M>,
    ) -> QueryResult<usize>;
}

// As above, for `AsChangeset`.
#[diagnostic::do_not_recommend]
impl<C, M, Changes> StoreChanges<M, Changes> for C
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
    Changes: AsChangeset<Target = M::Table>,
    Changes::Changeset: QueryFragment<C::Backend>,
    for<'s> &'s str: Bind<Text, C::Backend>,
    i64: Bind<BigInt, C::Backend>,
{
    fn __patch(
        &mut self,
        changes: Changes,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
        holding: Option<Holding<'_>>,
    ) -> QueryResult<usize> {
        self.execute_returning_count(&Patch {
            changes: changes.as_changeset(),
            next,
            guard: Guard::<M>::new(key, expected),
            holding,
        })
    }

    fn __patch_in(
        &mut self,
        changes: Changes,
        next: &M::Version,
        key: &M::Key,
        expected: &M::Version,
        root: &RootKey<M>,
    ) -> QueryResult<usize> {
        let changes = changes.as_changeset();
        let guard = Guard::<M>::new(key, expected);
        let write = Patch { changes, next, guard, holding: None };
        self.execute_returning_count(&InRoot::<M, _> { write, root })
    }
}

/// A connection through which a value of type `By` can be added to a column of a model.
///
/// Implemented for every [`Store`] of the model, when the column is outside conflict detection, NOT
/// NULL, and of a type that can be added to.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::StoreIncrement;
///
/// fn count_view<C>(conn: &mut C) -> noclobber::Result<()>
/// where
///     C: StoreIncrement<Document, documents::views, i64>,
/// {
///     Document::increment(1, documents::views, 1_i64, conn)
/// }
/// # fn main() { count_view(&mut documents_with_one_row()).unwrap(); }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{By}` cannot be added to the column `{Col}` of `{M}` through `{Self}`",
    label = "not a sum that this column can hold",
    note = "the column's field is marked `#[versioned(unguarded)]`, the column is NOT NULL and a \
            number, and what is added has its type"
)]
pub trait StoreIncrement<M: Versioned, Col, By>: Store<M> {
    #[doc(hidden)]
    fn __increment(&mut self, key: &M::Key, by: &By) -> QueryResult<usize>;
}

impl<C, M, Col, By> StoreIncrement<M, Col, By> for C
where
    C: SupportedConnection,
    M: VersionedOn<C::Backend>,
    Col: Unguarded<M> + 'static,
    Col::SqlType: Add + NotNull,
    <Col::SqlType as Add>::Rhs: 'static,
    By: Bind<<Col::SqlType as Add>::Rhs, C::Backend> + 'static,
{
    fn __increment(&mut self, key: &M::Key, by: &By) -> QueryResult<usize> {
        self.execute_returning_count(&Increment::<M, Col, <Col::SqlType as Add>::Rhs, By>::new(
            key, by,
        ))
    }
}
