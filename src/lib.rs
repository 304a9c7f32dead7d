//! Concurrency control for Diesel: no write is ever silently lost.
//!
//! Two people open the same record, both change it, both save. Without care the second save wipes
//! out the first: a *lost update*. Here a model carries a version, every write compares it, and
//! whoever comes late is told who expected what.
//!
//! ```
//! # include!("doctest_setup.rs");
//! # fn main() -> noclobber::Result<()> {
//! # let conn = &mut documents_with_one_row();
//! let ann = Document::find(1, conn)?;
//! let bob = Document::find(1, conn)?;
//!
//! let ann = Document { title: "Ann's".into(), ..ann }.save(conn)?;
//! assert_eq!(ann.version, 2);
//!
//! let error = Document { title: "Bob's".into(), ..bob }.save(conn).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "documents 1 was changed by somebody else: expected version 1, found version 2"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # A model
//!
//! Add a version to the table, and a derive to the model:
//!
//! ```sql
//! ALTER TABLE documents ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
//! ```
//!
//! ```
//! use diesel::prelude::*;
//! use noclobber::prelude::*;
//!
//! # diesel::table! {
//! #     documents (id) {
//! #         id -> BigInt, title -> Text, body -> Nullable<Text>, views -> BigInt, version -> BigInt,
//! #     }
//! # }
//! #[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
//! struct Document {
//!     id: i64,
//!     title: String,
//!     body: Option<String>,
//!     #[versioned(unguarded)] // a counter that many raise at once: outside conflict detection
//!     views: i64,
//!     version: i64,
//! }
//! ```
//!
//! [`derive@Versioned`] lists the attributes, [`version`] the types that a version can have.
//!
//! # What it can do
//!
//! | to | call | answer when somebody was faster |
//! |---|---|---|
//! | load | [`find`], [`find_at`] with the version that a client was shown, [`reload`] | `find_at`: a conflict |
//! | create | [`create`] | |
//! | create or save what comes with its key | [`upsert`] | a conflict, also when it exists already |
//! | write what was loaded | [`save`], [`touch`] | a conflict |
//! | delete | [`delete`] | a conflict |
//! | write some columns unseen | [`patch`] | a conflict |
//! | load, change, save | [`modify`], [`try_modify`] | does it again |
//! | write many rows by Diesel's `update` | [`bump_version`] beside the changes | open copies become stale |
//! | count | [`increment`] of an unguarded column | adds to theirs |
//! | rely on what was read | [`verify`], [`verify_all`] | a conflict |
//! | write many records of a model | [`save_all`], [`delete_all`]; [`save_each`], [`delete_each`] | all or nothing; each by itself |
//! | have others wait | [`find_for_update`], [`find_for_share`]; [`lock_rows`] of any query | `find_for_update_at`: a conflict |
//! | write several records | [`transaction`], [`retry`] | all or nothing; again if asked |
//! | change a root and its children | [`save_with`], [`delete_with`], [`move_to`]; see [`aggregate`] | a conflict about the root |
//! | keep a record for long work | [`lock`], [`save_locked`] | who has it, since when, what for |
//!
//! A conflict is a [`ConcurrentModificationError`], inside [`Error`]: table, key, the version that was
//! expected, and what was [`Found`]. Show it, load the record anew, and let the person decide; or use
//! [`modify`] where the change can be computed from whatever is there.
//!
//! Several writes that belong together go into [`transaction`], which also mends what can surprise in
//! Diesel's own; [`retry`] runs one again when the database was busy.
//!
//! A version guards the row that is written. Where a write relies on rows that others write,
//! [`guide::write_skew`] says how to keep two of them from being wrong together.
//!
//! A version tells at the end that somebody else was faster. Where that is too late, a [`lock`] tells at
//! the beginning; [`guide::choosing_a_lock`] says what is for what.
//!
//! # What it cannot see
//!
//! A version guards against writers that compare it. A statement that updates the table without
//! raising the version (`psql`, another service, Diesel's own `update` without [`bump_version`]) goes unnoticed, and so does a
//! record whose key was changed in memory: it hits whatever row has that key and version.
//! A key that is used again after a delete repeats its versions; see [`create`] for the cures.
//! And the table has to be a base table: what a trigger writes in the place of a statement is not
//! counted as written by it.
//!
//! # Databases and features
//!
//! | feature | brings |
//! |---|---|
//! | `sqlite` | SQLite, from 3.35 on; see [`backend::sqlite`] |
//! | `postgres` | PostgreSQL; see [`backend::postgres`] |
//! | `mysql` | MySQL and MariaDB; see [`backend::mysql`] |
//! | `r2d2` | pools of `diesel::r2d2` as the source of [`retry`] and [`modify`], and the [customizer] of their connections |
//! | `uuid` | `UuidVersion`, and UUIDs as keys |
//!
//! None is on by default, so that nobody links a database they do not use. What is documented here
//! holds on all of them. They differ in what a transaction above READ COMMITTED meets when somebody
//! else was faster: a conflict where it survives, [`Error::Unavailable`] where the database has ended
//! it; [`retry`] runs it again then. [`guide::choosing_a_database`] has the table.
//!
//! [`find`]: VersionedDsl::find
//! [`find_at`]: VersionedDsl::find_at
//! [`reload`]: VersionedDsl::reload
//! [`create`]: VersionedDsl::create
//! [`upsert`]: VersionedDsl::upsert
//! [`save`]: VersionedDsl::save
//! [`touch`]: VersionedDsl::touch
//! [`delete`]: VersionedDsl::delete
//! [`patch`]: VersionedDsl::patch
//! [`modify`]: VersionedDsl::modify
//! [`try_modify`]: VersionedDsl::try_modify
//! [`increment`]: VersionedDsl::increment
//! [`bump_version`]: VersionedDsl::bump_version
//! [`verify`]: VersionedDsl::verify
//! [`save_all`]: BatchDsl::save_all
//! [`save_each`]: BatchDsl::save_each
//! [`delete_all`]: BatchDsl::delete_all
//! [`delete_each`]: BatchDsl::delete_each
//! [`find_for_update`]: VersionedDsl::find_for_update
//! [`find_for_share`]: VersionedDsl::find_for_share
//! [`lock_rows`]: operation::LockRowsDsl::lock_rows
//! [`save_locked`]: LockDsl::save_locked
//! [`save_with`]: RootDsl::save_with
//! [`delete_with`]: RootDsl::delete_with
//! [`move_to`]: ChildDsl::move_to
//! [`transaction`]: transaction()
//! [`retry`]: retry()
//! [customizer]: backend::sqlite

// A public item without a word about it is unfinished. Said here and not for the workspace, since
// the schemas of tests and examples are public by the way Diesel writes them.
#![deny(missing_docs)]

// The derives name this crate by its own name, also in its own tests and examples.
extern crate self as noclobber;

pub mod aggregate;
pub mod backend;
pub mod error;
pub mod guide;
pub mod key;
mod lease;
pub mod lock;
pub mod migrations;
mod model;
pub mod operation;
pub mod prelude;
pub mod retry;
/// The library's own tables, as `diesel print-schema` prints them on SQLite; they serve every database.
///
/// ```
/// use diesel::prelude::*;
/// use noclobber::schema::locks;
///
/// # let mut conn = SqliteConnection::establish(":memory:").unwrap();
/// # noclobber::migrations::run(&mut conn).unwrap();
/// let taken: i64 = locks::table.count().get_result(&mut conn)?;
/// # diesel::QueryResult::Ok(())
/// ```
pub mod schema;
mod statement;
mod transaction;
pub mod version;

#[doc(inline)]
pub use self::aggregate::{ChildDsl, RootDsl};
#[doc(inline)]
pub use self::backend::{RowLock, SupportedConnection};
#[doc(inline)]
pub use self::error::{ConcurrentModificationError, Error, Found, Result};
#[doc(inline)]
pub use self::lock::{Lease, Lock, LockDsl};
pub use self::model::{Columns, LockColumns, Unguarded, Versioned, VersionedOn, bounds};
#[doc(inline)]
pub use self::operation::{BatchDsl, Store, Verify, VersionedDsl, verify_all};
#[doc(inline)]
pub use self::retry::retry;
#[doc(inline)]
pub use self::transaction::transaction;
/// `#[derive(Columns)]`: a part of a versioned model, embedded in it.
///
/// ```
/// # use diesel::prelude::*;
/// # use noclobber::prelude::*;
/// # diesel::table! {
/// #     people (id) { id -> BigInt, name -> Text, street -> Text, town -> Nullable<Text>, version -> BigInt }
/// # }
/// #[derive(Debug, Clone, HasQuery, Columns)]
/// #[diesel(table_name = people)]
/// struct Address {
///     street: String,
///     town: Option<String>,
/// }
/// ```
///
pub use noclobber_derive::Columns;
/// `#[derive(Versioned)]`: a model that carries a version.
///
/// ```
/// use diesel::prelude::*;
/// use noclobber::prelude::*;
///
/// # diesel::table! {
/// #     documents (id) {
/// #         id -> BigInt, title -> Text, body -> Nullable<Text>, views -> BigInt, row_version -> BigInt,
/// #     }
/// # }
/// #[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
/// #[diesel(table_name = documents)]
/// #[versioned(start = clock)]
/// struct Document {
///     id: i64,
///     title: String,
///     body: Option<String>,
///     #[versioned(unguarded)]
///     views: i64,
///     #[versioned(version)]
///     row_version: i64,
/// }
/// ```
///
pub use noclobber_derive::Versioned;

/// What the expansions of the macros name. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use diesel::backend::Backend;
    pub use diesel::connection::Connection;
    pub use diesel::deserialize::{self, FromStaticSqlRow, Queryable};
    pub use diesel::dsl::{Eq, SqlTypeOf};
    pub use diesel::expression::Selectable;
    pub use diesel::expression_methods::ExpressionMethods;
    pub use diesel::query_builder::{AstPass, QueryFragment};
    pub use diesel::query_source::{Column, QuerySource};
    #[cfg(feature = "r2d2")]
    pub use diesel::r2d2::{ManageConnection, PooledConnection};
    pub use diesel::result::QueryResult;
    pub use diesel::row::Row;
    pub use diesel::sql_types::BigInt;

    pub use crate::backend::dialect;
    pub use crate::model::bounds::{
        Bind, ColumnValues, KeyOf, NoArray, OfTable, Probe, Read, Selection, checks,
    };
    pub use crate::model::{
        Child, Columns, LockColumns, OwnRoot, Part, RootKey, Unguarded, Versioned, VersionedOn,
    };
    // For the derive to name beside an error, when the model's own table cannot be told.
    pub use crate::schema::lock_events as any_table;
    pub use crate::version::{Clock, Precision, StartsAtClock};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
