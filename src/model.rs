//! What `#[derive(Versioned)]` tells about a model.
//!
//! The derive states facts (which table, which columns, which key); the library owns the statements
//! that are made of them. [`Versioned`] knows no database, [`VersionedOn`] one database at a time.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSqlRow};
use diesel::dsl::SqlTypeOf;
use diesel::expression::{AsExpression, Selectable, SelectableExpression, TypedExpressionType};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::query_source::{Column, QuerySource, Table};
use diesel::row::Row;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, SqlType, is_nullable};

use crate::error::Record;
use crate::key::Key;
use crate::version::{Clock, Precision, Version};

/// A model whose records are guarded by a version.
///
/// Implemented by `#[derive(Versioned)]`, and meant to be implemented by it alone: the hidden items
/// are no part of the public interface. What a versioned model can do stands in
/// [`VersionedDsl`](crate::VersionedDsl).
///
/// ```
/// # include!("doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let document = Document::find(1, conn)?;
/// assert_eq!(document.key(), 1);
/// assert_eq!(*document.version(), 1);
/// assert_eq!(Document::TABLE, "documents");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a versioned model",
    label = "has no version that noclobber knows",
    note = "add `#[derive(Versioned)]` to it"
)]
pub trait Versioned: Sized + 'static {
    /// The table that the model's records are rows of.
    type Table: Table + Default + 'static;
    /// The primary key: the type of its field, or a tuple of several.
    type Key: Key + Clone + PartialEq + Send + 'static;
    /// The type of the version.
    type Version: Version;
    /// The column that keeps the version.
    type VersionColumn: Column<Table = Self::Table> + Default;

    /// The table, by the name of its `table!` module.
    const TABLE: &'static str;

    #[doc(hidden)]
    const PRECISION: Precision = Precision::Microseconds;

    /// The primary key of this record.
    fn key(&self) -> Self::Key;

    /// The version that this record had when it was loaded or last saved.
    fn version(&self) -> &Self::Version;

    #[doc(hidden)]
    fn __set_version(&mut self, version: Self::Version);

    #[doc(hidden)]
    fn __initial_version(clock: &Clock) -> Self::Version {
        Self::Version::initial(clock)
    }
}

/// The record with this key, as errors name it.
pub(crate) fn record<M: Versioned>(key: &M::Key) -> Record {
    Record::new(M::TABLE, key.text())
}

/// A versioned model whose columns one database can read and write.
///
/// Implemented by `#[derive(Versioned)]` for every database that knows the types of the model's
/// columns. All its items are hidden: they are what statements are made of.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in `{DB}`",
    label = "not a versioned model on this database",
    note = "add `#[derive(Versioned)]` to it, and see that every field's type fits its column"
)]
pub trait VersionedOn<DB: Backend>:
    Versioned<Table: QuerySource<FromClause: QueryFragment<DB> + Send>>
    + Selection<DB, Expression: OfTable<<Self as Versioned>::Table>>
{
    /// `"a" = ?, "b" = ?, `: the guarded columns, each with a comma behind it.
    #[doc(hidden)]
    fn __walk_columns<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// `"id" = ?`, and so on for each component of the key.
    #[doc(hidden)]
    fn __walk_key<'b>(key: &'b Self::Key, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// `"id", "part"`: the columns of the key.
    #[doc(hidden)]
    fn __walk_key_columns(out: AstPass<'_, '_, DB>) -> QueryResult<()>;

    /// `?`: a version as a bind.
    #[doc(hidden)]
    fn __walk_version<'b>(version: &'b Self::Version, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    #[doc(hidden)]
    fn __read_key<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self::Key>;

    #[doc(hidden)]
    fn __read_version<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self::Version>;
}

/// A model that can be loaded from its table: what Diesel calls `Queryable` and [`Selectable`].
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
    type Expression: QueryFragment<DB> + Send + 'static;

    #[doc(hidden)]
    fn __selection() -> Self::Expression;

    #[doc(hidden)]
    fn __read<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self>;
}

#[diagnostic::do_not_recommend]
impl<M, DB> Selection<DB> for M
where
    DB: Backend,
    M: Selectable<DB, SelectExpression: QueryFragment<DB> + Send + 'static>,
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected from `{Tab}` alone",
    label = "holds something of another table",
    note = "a versioned model is a row of one table: give what is joined to it a model of its own"
)]
pub trait OfTable<Tab> {}

#[diagnostic::do_not_recommend]
impl<Columns: SelectableExpression<Tab>, Tab> OfTable<Tab> for Columns {}

/// A model whose columns Diesel can select.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell which columns to load",
    label = "its columns are not known to Diesel",
    note = "a versioned model also derives Diesel's `HasQuery`, or `Queryable` and `Selectable`"
)]
pub trait Selected<DB: Backend> {}

#[diagnostic::do_not_recommend]
impl<M: Selectable<DB>, DB: Backend> Selected<DB> for M {}

/// The columns of a part that is embedded in a model.
///
/// Derive it on the struct of a field marked `#[diesel(embed)]`, beside Diesel's own derives:
///
/// ```
/// # use diesel::prelude::*;
/// # use noclobber::prelude::*;
/// # diesel::table! {
/// #     people (id) { id -> BigInt, name -> Text, street -> Text, town -> Nullable<Text>, version -> BigInt }
/// # }
/// #[derive(Debug, Clone, HasQuery, Columns)]
/// #[diesel(table_name = people)]
/// struct Address { street: String, town: Option<String> }
///
/// #[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
/// #[diesel(table_name = people)]
/// struct Person {
///     id: i64,
///     name: String,
///     #[diesel(embed)]
///     address: Address,
///     version: i64,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded in a versioned model on `{DB}`",
    label = "its columns are not known to noclobber",
    note = "add `#[derive(Columns)]` to it, from `noclobber::Columns`; an `Option` of a part cannot \
            be written"
)]
pub trait Columns<DB: Backend> {
    /// `"a" = ?, "b" = ?, `: the guarded columns, each with a comma behind it.
    #[doc(hidden)]
    fn __walk_columns<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

/// A column that is outside conflict detection: its field is marked `#[versioned(unguarded)]`.
///
/// Implemented by `#[derive(Versioned)]`; it is what
/// [`increment`](crate::VersionedDsl::increment) asks of a column.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` of `{M}` is guarded by its version",
    label = "cannot be changed without one",
    note = "mark its field `#[versioned(unguarded)]`, so that `save` leaves the column alone"
)]
pub trait Unguarded<M: Versioned>: Column<Table = M::Table> {}

/// A field whose value can be bound to a column of the SQL type `ST`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be written to a `{ST}` column on `{DB}`",
    label = "does not fit its column"
)]
pub trait Bind<ST, DB: Backend> {
    /// `?`
    #[doc(hidden)]
    fn __bind<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

// Without `do_not_recommend` the compiler would explain the two bounds below instead of the above.
#[diagnostic::do_not_recommend]
impl<T, ST, DB> Bind<ST, DB> for T
where
    DB: Backend + HasSqlType<ST>,
    T: ToSql<ST, DB>,
{
    #[inline]
    fn __bind<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(self)
    }
}

/// A value that can be read from columns of the SQL type `ST`.
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

/// What the derives have checked where a field is declared, and not only at the first save.
pub mod checks {
    use super::{Fits, NotNull, Selected};

    /// Compiles when the model's columns can be selected.
    pub const fn model_is_selectable<M: Selected<DB>, DB: diesel::backend::Backend>() {}

    /// Compiles when a field of type `T` fits a column of the SQL type `ST`.
    pub const fn field_fits_column<T: Fits<ST>, ST>() {}

    /// Compiles when a column of the SQL type `ST` can hold a version.
    pub const fn version_is_not_null<ST: NotNull>() {}
}
