//! Concurrency control for Diesel: no write is ever silently lost.

// A public item without a word about it is unfinished. Said here and not for the workspace, since
// the schemas of tests and examples are public by the way Diesel writes them.
#![deny(missing_docs)]

// The derives name this crate by its own name, also in its own tests and examples.
extern crate self as noclobber;

pub mod backend;
pub mod error;
pub mod key;
pub mod migrations;
mod model;
pub mod operation;
pub mod prelude;
pub mod retry;
/// The library's own tables, as `diesel print-schema` prints them.
pub mod schema;
mod statement;
mod transaction;
pub mod version;

#[doc(inline)]
pub use self::backend::SupportedConnection;
#[doc(inline)]
pub use self::error::{ConcurrentModificationError, Error, Found, Result};
pub use self::model::{
    Bind, Columns, Fits, NotNull, Read, Selected, Selection, Unguarded, Versioned, VersionedOn,
};
#[doc(inline)]
pub use self::operation::{Store, Verify, VersionedDsl, verify_all};
#[doc(inline)]
pub use self::retry::retry;
#[doc(inline)]
pub use self::transaction::transaction;
pub use noclobber_derive::{Columns, Versioned};

/// What the derives' expansions name. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use diesel::backend::Backend;
    pub use diesel::deserialize::{self, FromStaticSqlRow, Queryable};
    pub use diesel::dsl::SqlTypeOf;
    pub use diesel::expression::{Selectable, SelectableExpression};
    pub use diesel::query_builder::{AstPass, QueryFragment};
    pub use diesel::query_source::{Column, QuerySource};
    pub use diesel::result::QueryResult;
    pub use diesel::row::Row;
    pub use diesel::sql_types::BigInt;

    pub use crate::model::{
        Bind, Columns, Read, Selection, Unguarded, Versioned, VersionedOn, checks,
    };
    // For the derive to name beside an error, when the model's own table cannot be told.
    pub use crate::schema::lock_events as any_table;
    pub use crate::version::{Clock, Precision, StartsAtClock};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
