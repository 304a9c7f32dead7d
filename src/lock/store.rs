//! The executor of leases: carries a statement to the database and brings its rows back, unjudged.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::FromSql;
use diesel::query_builder::QueryFragment;
use diesel::result::Error as DieselError;
use diesel::row::Row;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::backend::{self, SupportedConnection, answered};
use crate::key::Key;
use crate::lease::{EventRow, LeaseRow, LockTables};
use crate::model::bounds::Bind;
use crate::model::{LockColumns, Versioned, VersionedOn};
use crate::operation::Store;
use crate::statement::columns::{Change, DeleteHeld, Holding, OfRecord, ReadColumns, UpdateHeld};
use crate::statement::lease::{LeaseBind, LeaseStatement};
use crate::statement::{Guard, Proven, Update};

/// A connection through which leases can be taken: every connection to a database that noclobber knows.
///
/// Code that is generic over the connection names it:
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::lock::{Lock, LockStore};
///
/// fn take<C: LockStore>(conn: &mut C) -> noclobber::Result<()> {
///     let lease = Lock::on("reports", "2026").owner("nightly job").acquire(conn)?;
///     lease.release(conn)
/// }
/// # fn main() {
/// #     let conn = &mut documents_with_one_row();
/// #     noclobber::migrations::run(conn).unwrap();
/// #     take(conn).unwrap();
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "no lease can be taken through `{Self}`",
    label = "not a connection to a database that noclobber knows",
    note = "pass `&mut` a Diesel connection or a pooled one, and enable the feature of your \
            database in `Cargo.toml`: noclobber = {{ version = \"…\", features = [\"sqlite\"] }}"
)]
pub trait LockStore: SupportedConnection {
    #[doc(hidden)]
    fn __lease_execute(&mut self, statement: &LeaseStatement<'_>) -> QueryResult<usize>;

    #[doc(hidden)]
    fn __leases(&mut self, statement: LeaseStatement<'_>) -> QueryResult<Vec<LeaseRow>>;

    #[doc(hidden)]
    fn __lease_events(&mut self, statement: LeaseStatement<'_>) -> QueryResult<Vec<EventRow>>;

    /// The only number of the only row.
    #[doc(hidden)]
    fn __lease_number(&mut self, statement: LeaseStatement<'_>) -> QueryResult<i64>;
}

#[diagnostic::do_not_recommend]
impl<C> LockStore for C
where
    C: SupportedConnection,
    for<'a> &'a str: Bind<Text, C::Backend>,
    i64: Bind<BigInt, C::Backend> + FromSql<BigInt, C::Backend>,
    for<'a> Option<&'a str>: Bind<Nullable<Text>, C::Backend>,
    Option<i64>: Bind<Nullable<BigInt>, C::Backend>,
    String: FromSql<Text, C::Backend>,
{
    fn __lease_execute(&mut self, statement: &LeaseStatement<'_>) -> QueryResult<usize> {
        self.execute_returning_count(statement)
    }

    fn __leases(&mut self, statement: LeaseStatement<'_>) -> QueryResult<Vec<LeaseRow>> {
        let leases = self.load(statement).and_then(|rows| rows.map(|row| lease(&row?)).collect());
        answered(leases, self)
    }

    fn __lease_events(&mut self, statement: LeaseStatement<'_>) -> QueryResult<Vec<EventRow>> {
        let events = self.load(statement).and_then(|rows| rows.map(|row| event(&row?)).collect());
        answered(events, self)
    }

    fn __lease_number(&mut self, statement: LeaseStatement<'_>) -> QueryResult<i64> {
        let number = self.load(statement).and_then(|mut rows| {
            let row = rows.next().ok_or(DieselError::NotFound)??;
            number(&row, 0).and_then(present)
        });
        answered(number, self)
    }
}

/// A connection through which a record can be saved under a lease: every [`Store`] of its model.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::lock::{Lease, StoreLocked};
///
/// fn publish<C>(document: Document, lease: &Lease, conn: &mut C) -> noclobber::Result<Document>
/// where
///     C: StoreLocked<Document>,
/// {
///     Document { title: "Published".into(), ..document }.save_locked(lease, conn)
/// }
/// # fn main() {}
/// ```
pub trait StoreLocked<M: Versioned>: Store<M> + LockStore {
    /// The UPDATE of a save, with the texts that prove the lease before and behind it.
    #[doc(hidden)]
    fn __update_proven(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        proof: (&'static str, &'static str),
        tables: &LockTables,
        binds: Vec<LeaseBind<'_>>,
    ) -> QueryResult<usize>;

    /// The columns of a lease, as they are now or as this transaction sees them.
    #[doc(hidden)]
    fn __read_columns(&mut self, key: &M::Key, how: ReadColumns) -> QueryResult<Vec<LeaseRow>>
    where
        M: LockColumns;

    #[doc(hidden)]
    fn __change_columns(
        &mut self,
        change: Change<'_>,
        key: &M::Key,
        expected: Option<&M::Version>,
    ) -> QueryResult<usize>
    where
        M: LockColumns;

    /// The UPDATE of a save, which proves a lease in columns.
    #[doc(hidden)]
    fn __save_holding(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        holding: Holding<'_>,
    ) -> QueryResult<usize>
    where
        M: LockColumns;

    #[doc(hidden)]
    fn __delete_holding(
        &mut self,
        key: &M::Key,
        expected: &M::Version,
        holding: Holding<'_>,
    ) -> QueryResult<usize>
    where
        M: LockColumns;
}

#[diagnostic::do_not_recommend]
impl<C, M> StoreLocked<M> for C
where
    C: LockStore,
    M: VersionedOn<C::Backend>,
    for<'s> LeaseStatement<'s>: QueryFragment<C::Backend>,
    for<'s> &'s str: Bind<Text, C::Backend>,
    i64: Bind<BigInt, C::Backend> + FromSql<BigInt, C::Backend>,
    String: FromSql<Text, C::Backend>,
{
    fn __update_proven(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        proof: (&'static str, &'static str),
        tables: &LockTables,
        binds: Vec<LeaseBind<'_>>,
    ) -> QueryResult<usize> {
        let dialect = backend::dialect(self);
        let (before, condition) = proof;
        // The binds belong to the one of the two that names the lease.
        let (of_before, of_condition) =
            if before.is_empty() { (Vec::new(), binds) } else { (binds, Vec::new()) };
        let before = LeaseStatement::new(before, tables, dialect, of_before);
        let condition = LeaseStatement::new(condition, tables, dialect, of_condition);
        let write = Update { model, next, guard: Guard::new(key, model.version()) };
        if tables.are_default() {
            self.execute_returning_count(&Proven::<_, true> { before, write, condition })
        } else {
            self.execute_returning_count(&Proven::<_, false> { before, write, condition })
        }
    }

    fn __read_columns(&mut self, key: &M::Key, how: ReadColumns) -> QueryResult<Vec<LeaseRow>>
    where
        M: LockColumns,
    {
        // Their texts name no table of leases.
        let (tables, dialect) = (LockTables::default(), backend::dialect(self));
        let rows = self.load(OfRecord::<M>::read(key, how, &tables, dialect));
        let leases = rows.and_then(|rows| rows.map(|row| columns::<M, _>(key, &row?)).collect());
        answered(leases, self)
    }

    fn __change_columns(
        &mut self,
        change: Change<'_>,
        key: &M::Key,
        expected: Option<&M::Version>,
    ) -> QueryResult<usize>
    where
        M: LockColumns,
    {
        let (tables, dialect) = (LockTables::default(), backend::dialect(self));
        let change = OfRecord::<M>::change(change, key, expected, &tables, dialect);
        self.execute_returning_count(&change)
    }

    fn __save_holding(
        &mut self,
        model: &M,
        next: &M::Version,
        key: &M::Key,
        holding: Holding<'_>,
    ) -> QueryResult<usize>
    where
        M: LockColumns,
    {
        let guard = Guard::new(key, model.version());
        if holding.regain.is_some() {
            self.execute_returning_count(&UpdateHeld::<_, true> { model, next, guard, holding })
        } else {
            self.execute_returning_count(&UpdateHeld::<_, false> { model, next, guard, holding })
        }
    }

    fn __delete_holding(
        &mut self,
        key: &M::Key,
        expected: &M::Version,
        holding: Holding<'_>,
    ) -> QueryResult<usize>
    where
        M: LockColumns,
    {
        let guard = Guard::<M>::new(key, expected);
        if holding.regain.is_some() {
            self.execute_returning_count(&DeleteHeld::<_, true> { guard, holding })
        } else {
            self.execute_returning_count(&DeleteHeld::<_, false> { guard, holding })
        }
    }
}

/// In the order in which the statement names the columns. What they do not keep is not there.
fn columns<'a, M, DB>(key: &M::Key, row: &impl Row<'a, DB>) -> QueryResult<LeaseRow>
where
    M: Versioned,
    DB: Backend,
    String: FromSql<Text, DB>,
    i64: FromSql<BigInt, DB>,
{
    Ok(LeaseRow {
        entity: M::TABLE.to_owned(),
        record: key.text(),
        fence: number(row, 0).and_then(present)?,
        token: text(row, 1)?,
        owner: text(row, 2)?,
        session: None,
        note: None,
        acquired_at: None,
        renewed_at: None,
        expires_at: number(row, 3)?,
        deadline_at: None,
        renewals: 0,
        version: None,
        now: number(row, 4).and_then(present)?,
    })
}

/// In the order in which the statements name the columns.
fn lease<'a, DB>(row: &impl Row<'a, DB>) -> QueryResult<LeaseRow>
where
    DB: Backend,
    String: FromSql<Text, DB>,
    i64: FromSql<BigInt, DB>,
{
    Ok(LeaseRow {
        entity: text(row, 0).and_then(present)?,
        record: text(row, 1).and_then(present)?,
        fence: number(row, 2).and_then(present)?,
        token: text(row, 3)?,
        owner: text(row, 4)?,
        session: text(row, 5)?,
        note: text(row, 6)?,
        acquired_at: number(row, 7)?,
        renewed_at: number(row, 8)?,
        expires_at: number(row, 9)?,
        deadline_at: number(row, 10)?,
        renewals: number(row, 11).and_then(present)?,
        version: text(row, 12)?,
        now: number(row, 13).and_then(present)?,
    })
}

/// Likewise.
fn event<'a, DB>(row: &impl Row<'a, DB>) -> QueryResult<EventRow>
where
    DB: Backend,
    String: FromSql<Text, DB>,
    i64: FromSql<BigInt, DB>,
{
    Ok(EventRow {
        fence: number(row, 0).and_then(present)?,
        event: text(row, 1).and_then(present)?,
        actor: text(row, 2).and_then(present)?,
        holder: text(row, 3)?,
        reason: text(row, 4)?,
        at: number(row, 5).and_then(present)?,
        renewals: number(row, 6).and_then(present)?,
    })
}

fn text<'a, DB>(row: &impl Row<'a, DB>, at: usize) -> QueryResult<Option<String>>
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    row.get_value::<Nullable<Text>, _, _>(at).map_err(DieselError::DeserializationError)
}

fn number<'a, DB>(row: &impl Row<'a, DB>, at: usize) -> QueryResult<Option<i64>>
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    row.get_value::<Nullable<BigInt>, _, _>(at).map_err(DieselError::DeserializationError)
}

fn present<T>(value: Option<T>) -> QueryResult<T> {
    let null = "a column of a lease is NULL that never is one";
    value.ok_or_else(|| DieselError::DeserializationError(null.into()))
}
