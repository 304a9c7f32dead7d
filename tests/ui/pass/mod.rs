//! Models that are accepted, and their records that are loaded and saved.
//!
//! A lint that the expansion of a derive broke would be an error in the crate of whoever uses it.

#![deny(
    warnings,
    clippy::all,
    clippy::pedantic,
    nonstandard_style,
    rust_2018_idioms,
    unused,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    meta_variable_misuse,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    redundant_imports,
    redundant_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_code,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    variant_size_differences
)]

mod columns;
mod diesel_attributes;
mod keys;
mod lock_columns;
mod names;
mod places;
mod roots;
mod shadowed;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

fn database(sql: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(sql).unwrap();
    conn
}
