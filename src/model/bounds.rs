//! What is asked of a model's columns, each as a bound with words of its own.
//!
//! Diesel's traits say all of it already. These stand before them for the sake of the compiler's
//! messages: a derive cannot see its sibling derives, nor the types behind a schema, so what is wrong
//! shows as a bound that does not hold, and then it should be told in words of models and columns.
//! All are implemented for whatever fits; there is nothing to implement here.
//!
//! ```
//! use diesel::sql_types::BigInt;
//! use diesel::sqlite::Sqlite;
//! use noclobber::bounds::{Bind, Read};
//!
//! fn is_a_column<T: Bind<BigInt, Sqlite> + Read<BigInt, Sqlite>>() {}
//! is_a_column::<i64>();
//! ```

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSqlRow};
use diesel::dsl::SqlTypeOf;
use diesel::expression::{AsExpression, Selectable, SelectableExpression, TypedExpressionType};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::row::Row;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, SqlType, is_nullable};

use super::Versioned;
use crate::backend::BindArray;

/// A model that can be loaded from its table: what Diesel calls `Queryable` and [`Selectable`].
///
/// ```
/// # include!("../doctest_setup.rs");
/// fn can_be_loaded<M: noclobber::bounds::Selection<diesel::sqlite::Sqlite>>() {}
/// # fn main() {
/// can_be_loaded::<Document>();
/// # }
/// ```
// The detour over a trait of our own is for the message: a derive cannot see its sibling derives,
// and a missing one should be told in words that name it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be loaded from `{DB}`",
    label = "is not what Diesel can load from the model's table",
    note = "a versioned model also derives Diesel's `HasQuery`, or `Queryable` and `Selectable`, and \
            its fields have types that their columns can be read as"
)]
pub trait Selection<DB: Backend>: Sized {
    /// The columns, as an expression.
    type Expression: QueryFragment<DB> + QueryId + Send + 'static;

    #[doc(hidden)]
    fn __selection() -> Self::Expression;

    #[doc(hidden)]
    fn __read<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<M, DB> Selection<DB> for M
where
    DB: Backend,
    M: Selectable<DB, SelectExpression: QueryFragment<DB> + QueryId + Send + 'static>,
    M: FromSqlRow<SqlTypeOf<M::SelectExpression>, DB>,
{
    type Expression = M::SelectExpression;

    fn __selection() -> Self::Expression {
        M::construct_selection()
    }

    fn __read<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self> {
        M::build_from_row(row)
    }
}

/// Columns that are all of one table.
///
/// ```
/// # include!("../doctest_setup.rs");
/// fn are_of_the_table<C: noclobber::bounds::OfTable<documents::table>>(_: C) {}
/// # fn main() {
/// are_of_the_table((documents::id, documents::title));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected from `{Tab}` alone",
    label = "holds something of another table",
    note = "a versioned model is a row of one table: give what is joined to it a model of its own"
)]
pub trait OfTable<Tab> {}

#[diagnostic::do_not_recommend]
impl<Columns: SelectableExpression<Tab>, Tab> OfTable<Tab> for Columns {}

/// A model whose columns Diesel can select.
///
/// ```
/// # include!("../doctest_setup.rs");
/// fn tells_its_columns<M: noclobber::bounds::Selected<diesel::sqlite::Sqlite>>() {}
/// # fn main() {
/// tells_its_columns::<Document>();
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell which columns to load",
    label = "its columns are not known to Diesel",
    note = "a versioned model also derives Diesel's `HasQuery`, or `Queryable` and `Selectable`"
)]
pub trait Selected<DB: Backend> {}

#[diagnostic::do_not_recommend]
impl<M: Selectable<DB>, DB: Backend> Selected<DB> for M {}

/// A field whose value can be bound to a column of the SQL type `ST`.
///
/// ```
/// use diesel::sql_types::Text;
///
/// fn can_be_written<T: noclobber::bounds::Bind<Text, diesel::sqlite::Sqlite>>() {}
/// can_be_written::<String>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be written to a `{ST}` column on `{DB}`",
    label = "does not fit its column"
)]
pub trait Bind<ST, DB: Backend> {
    /// `?`
    #[doc(hidden)]
    fn __bind<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// `?` for all of them, where the database has arrays.
    #[doc(hidden)]
    #[expect(
        clippy::ptr_arg,
        reason = "what is bound is the `Vec`, which Diesel knows for an array"
    )]
    fn __bind_array<'b>(items: &'b Vec<&'b Self>, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

// Without `do_not_recommend` the compiler would explain the two bounds below instead of the above.
#[diagnostic::do_not_recommend]
impl<T, ST, DB> Bind<ST, DB> for T
where
    DB: BindArray + HasSqlType<ST>,
    ST: SqlType + 'static,
    T: ToSql<ST, DB>,
{
    #[inline]
    fn __bind<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(self)
    }

    fn __bind_array<'b>(items: &'b Vec<&'b Self>, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        DB::bind_array::<ST, T>(items, out)
    }
}

/// The values of one column for many records, as one bind: see [`Bind::__bind_array`].
#[doc(hidden)]
pub trait BindColumn<DB: Backend> {
    fn walk<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

struct Values<'a, T, ST>(Vec<&'a T>, PhantomData<ST>);

impl<T: Bind<ST, DB>, ST, DB: Backend> BindColumn<DB> for Values<'_, T, ST> {
    fn walk<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        T::__bind_array(&self.0, out)
    }
}

/// The values of several columns.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "it is full of values")]
pub struct ColumnValues<'a, DB>(Vec<Box<dyn BindColumn<DB> + 'a>>);

impl<'a, DB: Backend> ColumnValues<'a, DB> {
    pub(crate) fn new() -> Self {
        ColumnValues(Vec::new())
    }

    /// Adds a column.
    pub fn push<ST, T>(&mut self, values: impl Iterator<Item = &'a T>)
    where
        ST: 'a,
        T: Bind<ST, DB> + 'a,
    {
        self.0.push(Box::new(Values::<T, ST>(values.collect(), PhantomData)));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(dyn BindColumn<DB> + 'a)> {
        self.0.iter().map(|column| &**column as _)
    }
}

/// A value that can be read from columns of the SQL type `ST`.
///
/// ```
/// use diesel::sql_types::Text;
///
/// fn can_be_read<T: noclobber::bounds::Read<Text, diesel::sqlite::Sqlite>>() {}
/// can_be_read::<String>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be read from a `{ST}` column on `{DB}`",
    label = "is not what its column holds"
)]
pub trait Read<ST, DB: Backend>: Sized {
    #[doc(hidden)]
    fn __read_row<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<T, ST, DB> Read<ST, DB> for T
where
    DB: Backend,
    T: FromSqlRow<ST, DB>,
{
    #[inline]
    fn __read_row<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self> {
        T::build_from_row(row)
    }
}

/// A field whose type fits a column of the SQL type `ST`, on whatever database.
///
/// ```
/// use diesel::sql_types::{Nullable, Text};
///
/// fn fits<T: noclobber::bounds::Fits<Nullable<Text>>>() {}
/// fits::<Option<String>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` does not fit a `{ST}` column",
    label = "does not fit its column",
    note = "see that the model and the `table!` of the schema agree; a type of your own also derives \
            Diesel's `AsExpression`"
)]
pub trait Fits<ST> {}

#[diagnostic::do_not_recommend]
impl<T, ST> Fits<ST> for T
where
    ST: SqlType + TypedExpressionType,
    for<'a> &'a T: AsExpression<ST>,
{
}

/// A column that always has a value, as one that holds a version does, or a sum.
///
/// ```
/// fn always_has_a_value<ST: noclobber::bounds::NotNull>() {}
/// always_has_a_value::<diesel::sql_types::BigInt>();
/// ```
#[diagnostic::on_unimplemented(
    message = "the column can be NULL",
    label = "declared `Nullable` in the schema",
    note = "a missing version would guard nothing, and NULL plus something is NULL: make the column \
            NOT NULL in the database, and in the `table!` of the schema"
)]
pub trait NotNull {}

#[diagnostic::do_not_recommend]
impl<ST> NotNull for ST
where
    ST: SqlType,
    ST::IsNull: IsNotNull,
{
}

/// A bound, where an equality of types would be told in the compiler's words.
trait IsNotNull {}

impl IsNotNull for is_nullable::NotNull {}

/// The SQL type of one of the columns that leases are kept in.
///
/// ```
/// use diesel::sql_types::{Nullable, Text};
///
/// fn keeps_a_lease<ST: noclobber::bounds::KeepsLease<Nullable<Text>>>() {}
/// keeps_a_lease::<Nullable<Text>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a lease cannot be kept in a column of type `{Self}` that should be `{ST}`",
    label = "not the columns of leases",
    note = "in the `table!` of the schema they are `locked_by -> Nullable<Text>`, `locked_until -> \
            Nullable<BigInt>`, `lock_token -> Nullable<Text>` and `lock_fence -> BigInt`"
)]
pub trait KeepsLease<ST> {}

impl<ST> KeepsLease<ST> for ST {}

/// Whether a column is an array itself, of which a database makes no arrays.
///
/// An inherent constant is found before one of a trait in scope: [`NoArray`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<ST>(PhantomData<ST>);

#[cfg(feature = "postgres")]
impl<ST> Probe<diesel::sql_types::Array<ST>>
where
    ST: SqlType + 'static,
{
    pub const IS_ARRAY: bool = true;
}

#[cfg(feature = "postgres")]
impl<ST> Probe<diesel::sql_types::Nullable<diesel::sql_types::Array<ST>>>
where
    ST: SqlType + 'static,
{
    pub const IS_ARRAY: bool = true;
}

#[doc(hidden)]
pub trait NoArray {
    const IS_ARRAY: bool = false;
}

impl<ST> NoArray for Probe<ST> {}

/// The field, or the fields, of a child that hold the key of its root `R`.
///
/// ```
/// # include!("../doctest_setup.rs");
/// fn holds_the_key_of<R: noclobber::Versioned, T: noclobber::bounds::KeyOf<R>>() {}
/// # fn main() {
/// holds_the_key_of::<Document, i64>();
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of the key of `{R}`",
    label = "does not hold the key of the root",
    note = "the field that `root(…)` names has the type of the root's key; of several columns they are named \
            together, in the order of the key: `root(Order, (tenant, order_id))`",
    note = "it is no `Option`: a child always has a root, so make the column NOT NULL"
)]
pub trait KeyOf<R: Versioned>: Sized {
    #[doc(hidden)]
    fn __into_key(self) -> R::Key;

    #[doc(hidden)]
    fn __of_key(key: R::Key) -> Self;

    #[doc(hidden)]
    fn __as_key(key: &R::Key) -> &Self;
}

#[diagnostic::do_not_recommend]
impl<K, R: Versioned<Key = K>> KeyOf<R> for K {
    #[inline]
    fn __into_key(self) -> K {
        self
    }

    #[inline]
    fn __of_key(key: K) -> Self {
        key
    }

    #[inline]
    fn __as_key(key: &K) -> &Self {
        key
    }
}

/// What the derives have checked where a field is declared, and not only at the first save.
#[doc(hidden)]
pub mod checks {
    use diesel::sql_types::{BigInt, Nullable, Text};

    use super::{Fits, KeepsLease, NotNull, Selected};
    use crate::model::OwnRoot;

    /// Compiles when a model can be the root of others.
    pub const fn root_has_no_root<R: OwnRoot>() {}

    /// Compiles when the model's columns can be selected.
    pub const fn model_is_selectable<M: Selected<DB>, DB: diesel::backend::Backend>() {}

    /// Compiles when a field of type `T` fits a column of the SQL type `ST`.
    pub const fn field_fits_column<T: Fits<ST>, ST>() {}

    /// Compiles when a column of the SQL type `ST` can hold a version.
    pub const fn version_is_not_null<ST: NotNull>() {}

    /// Compiles when columns of these SQL types can keep a lease.
    pub const fn lock_columns<By, Until, Token, Fence>()
    where
        By: KeepsLease<Nullable<Text>>,
        Until: KeepsLease<Nullable<BigInt>>,
        Token: KeepsLease<Nullable<Text>>,
        Fence: KeepsLease<BigInt>,
    {
    }

    /// Compiles when a save writes none of these columns through a part.
    pub const fn part_leaves_lock_columns_alone(writes: bool) {
        assert!(
            !writes,
            "an embedded part has a field for `locked_by`, `locked_until`, `lock_token` or \
             `lock_fence`, which a save would write: move it to the model, or mark it \
             `#[versioned(unguarded)]`"
        );
    }
}
