//! What `#[derive(Versioned)]` tells about a model.
//!
//! The derive states facts (which table, which columns, which key); the library owns the statements
//! that are made of them. [`Versioned`] knows no database, [`VersionedOn`] one database at a time.

pub mod bounds;
mod root;

pub use self::root::{Child, OwnRoot, RootKey};

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::query_source::{Column, QuerySource, Table};
use diesel::row::Row;

use self::bounds::{ColumnValues, OfTable, Selection};
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
    type Key: Key + Clone + PartialEq + Send + Sync + 'static;
    /// The type of the version.
    type Version: Version;
    /// The column that keeps the version.
    type VersionColumn: Column<Table = Self::Table> + Default;
    /// The root of the aggregate that the model is a part of: the model itself, unless it names another
    /// one by `#[versioned(root(…))]`.
    type Root: Versioned;

    /// The table, by the name of its `table!` module.
    const TABLE: &'static str;

    #[doc(hidden)]
    const PRECISION: Precision = Precision::Microseconds;

    /// Whether a trigger of the database moves the version on.
    #[doc(hidden)]
    const BY_TRIGGER: bool = false;

    /// How many columns the key has.
    #[doc(hidden)]
    const KEY_COLUMNS: usize = 1;

    /// Whether the model is a child in an aggregate: each write of a record moves the version of its root
    /// on as well, so that it is more than one statement.
    #[doc(hidden)]
    const HAS_ROOT: bool = false;

    /// The primary key of this record.
    ///
    /// ```
    /// # use noclobber::Versioned;
    /// fn keys<M: Versioned>(models: &[M]) -> Vec<M::Key> {
    ///     models.iter().map(M::key).collect()
    /// }
    /// ```
    fn key(&self) -> Self::Key;

    /// The version that this record had when it was loaded or last saved.
    ///
    /// ```
    /// # use noclobber::{Versioned, version::Version};
    /// fn shown_to_a_client<M: Versioned>(model: &M) -> String {
    ///     model.version().text().into_owned()
    /// }
    /// ```
    fn version(&self) -> &Self::Version;

    #[doc(hidden)]
    fn __set_version(&mut self, version: Self::Version);

    #[doc(hidden)]
    fn __initial_version(clock: &Clock) -> Self::Version {
        Self::Version::initial(clock)
    }

    /// The key of the root that the record belongs to; none where it is its own root.
    #[doc(hidden)]
    #[inline]
    fn __root_key(&self) -> Option<RootKey<Self>> {
        None
    }
}

/// The record with this key, as errors name it.
pub(crate) fn record<M: Versioned>(key: &M::Key) -> Record {
    Record::new(M::TABLE, key.text())
}

/// A versioned model whose columns one database can read and write.
///
/// Implemented by `#[derive(Versioned)]` for every database that knows the types of the model's
/// columns. All its items are hidden: they are what statements are made of. Code that is generic over
/// the database as well as the connection names it; most needs only [`Store`](crate::Store).
///
/// ```
/// # include!("doctest_setup.rs");
/// use diesel::backend::Backend;
/// use noclobber::VersionedOn;
///
/// fn can_be_kept<M: VersionedOn<DB>, DB: Backend>() {}
///
/// # fn main() {
/// can_be_kept::<Document, diesel::sqlite::Sqlite>();
/// # }
/// ```
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

    /// The same columns by name.
    #[doc(hidden)]
    fn __push_names(names: &mut Vec<&'static str>);

    /// `?, ?, `: their values, each with a comma behind it.
    #[doc(hidden)]
    fn __walk_values<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// Their values for many records.
    #[doc(hidden)]
    fn __push_arrays<'a>(models: &[&'a Self], arrays: &mut ColumnValues<'a, DB>);

    /// Whether one of these columns, or of the key, is an array, of which there are no arrays.
    #[doc(hidden)]
    const HAS_ARRAYS: bool = false;

    /// `"id" = ?`, and so on for each component of the key.
    #[doc(hidden)]
    fn __walk_key<'b>(key: &'b Self::Key, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// `"id", "part"`: the columns of the key.
    #[doc(hidden)]
    fn __walk_key_columns(out: AstPass<'_, '_, DB>) -> QueryResult<()>;

    /// The same columns by name.
    #[doc(hidden)]
    fn __push_key_names(names: &mut Vec<&'static str>);

    /// `?, ?`: the components of a key.
    #[doc(hidden)]
    fn __walk_key_values<'b>(key: &'b Self::Key, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// Those of many records.
    #[doc(hidden)]
    fn __push_key_arrays<'a>(models: &[&'a Self], arrays: &mut ColumnValues<'a, DB>);

    /// `?`: a version as a bind.
    #[doc(hidden)]
    fn __walk_version<'b>(version: &'b Self::Version, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// Many versions.
    #[doc(hidden)]
    fn __push_version_array<'a>(
        versions: impl Iterator<Item = &'a Self::Version>,
        arrays: &mut ColumnValues<'a, DB>,
    );

    #[doc(hidden)]
    fn __read_key<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self::Key>;

    #[doc(hidden)]
    fn __read_version<'a>(row: &impl Row<'a, DB>) -> deserialize::Result<Self::Version>;

    /// The root's model once more: that it can be kept in the same database is known of it here.
    #[doc(hidden)]
    type RootOn: VersionedOn<DB, Key = RootKey<Self>>;

    /// `"order_id" = ?`, and so on for each component of the root's key, with this text between two of them.
    /// Nothing for a model that is its own root, where nobody asks.
    #[doc(hidden)]
    fn __walk_root<'b>(
        _root: &'b RootKey<Self>,
        _between: &'static str,
        _out: AstPass<'_, 'b, DB>,
    ) -> QueryResult<()> {
        Ok(())
    }

    /// The columns that hold the root's key, as far as they are not part of the model's own.
    #[doc(hidden)]
    fn __push_root_names(_names: &mut Vec<&'static str>) {}

    /// `?, ?, `: their values, each with a comma behind it.
    #[doc(hidden)]
    fn __walk_root_values<'b>(&'b self, _out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        Ok(())
    }
}

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

    /// The same columns by name.
    #[doc(hidden)]
    fn __push_names(names: &mut Vec<&'static str>);

    /// `?, ?, `: their values, each with a comma behind it.
    #[doc(hidden)]
    fn __walk_values<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// Whether one of these columns is an array.
    #[doc(hidden)]
    const HAS_ARRAYS: bool = false;

    /// Their values for many records.
    #[doc(hidden)]
    fn __push_arrays<'a>(parts: &[&'a Self], arrays: &mut ColumnValues<'a, DB>);
}

/// What a part says of itself beside its columns, on whatever database.
#[doc(hidden)]
pub trait Part {
    /// Whether a save writes one of the columns that leases are kept in.
    const WRITES_LOCK_COLUMNS: bool;
}

/// A model whose records have columns that leases on them can be kept in.
///
/// Implemented by `#[derive(Versioned)]` for a struct that says `#[versioned(lock_columns)]`; its
/// documentation has the columns, and [`lock::columns`](crate::lock::columns) what can be done with them.
///
/// ```
/// # use diesel::prelude::*;
/// # use noclobber::prelude::*;
/// use noclobber::LockColumns;
///
/// # diesel::table! {
/// #     notes (id) {
/// #         id -> BigInt, text -> Text, version -> BigInt, locked_by -> Nullable<Text>,
/// #         locked_until -> Nullable<BigInt>, lock_token -> Nullable<Text>, lock_fence -> BigInt,
/// #     }
/// # }
/// #[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
/// #[versioned(lock_columns)]
/// struct Note {
///     id: i64,
///     text: String,
///     locked_by: Option<String>, // to be shown; no save writes it
///     version: i64,
/// }
///
/// fn can_be_locked_in_columns<M: LockColumns>() {}
/// # fn main() {
/// can_be_locked_in_columns::<Note>();
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the records of `{Self}` have no columns that leases could be kept in",
    label = "its leases are kept in the table `locks`",
    note = "ask for one by `lock()`; or give its table the columns `locked_by`, `locked_until`, \
            `lock_token` and `lock_fence`, and add `#[versioned(lock_columns)]` to the model"
)]
pub trait LockColumns: Versioned {}

/// A column that is outside conflict detection: its field is marked `#[versioned(unguarded)]`.
///
/// Implemented by `#[derive(Versioned)]`; it is what
/// [`increment`](crate::VersionedDsl::increment) asks of a column.
///
/// ```
/// # include!("doctest_setup.rs");
/// use noclobber::Unguarded;
///
/// fn may_be_counted<Column: Unguarded<Document>>(_: Column) {}
///
/// # fn main() {
/// may_be_counted(documents::views);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` of `{M}` is guarded by its version",
    label = "cannot be changed without one",
    note = "mark its field `#[versioned(unguarded)]`, so that `save` leaves the column alone; it has \
            to be a field of the model itself, not of a part that is embedded in it"
)]
pub trait Unguarded<M: Versioned>: Column<Table = M::Table> {}
