//! What every contender does: the table, its row, and what a save changes in it.
//!
//! The row has company, so that the database has to search for it as it has to in practice.

use chrono::NaiveDateTime;

use crate::Result;

/// The rows of the table; enough that neither the table nor its index is a single page.
pub const ROWS: i64 = 1_000;
/// The row that is saved.
pub const ID: i64 = 500;
pub const FIRST_VERSION: i64 = 1;
/// Who takes leases on it.
pub const OWNER: &str = "ann";
pub const BODY: &str = "Two people open the same record, both change it, both save it. Without care \
                        the second save wipes out the first.";
pub const AUTHOR: &str = "Ada Lovelace";
pub const VIEWS: i64 = 1_024;
pub const PRICE: f64 = 12.5;

/// The timestamp as Diesel stores it in SQLite: as text.
///
/// The C and rusqlite contenders bind this text as it is. A program that talks to a database directly
/// keeps the timestamp in the form in which it is sent and does not convert it at each save, so
/// converting counts as a cost of the layer that does it and not as a part of the floor.
pub const UPDATED_AT: &str = "2024-05-17 09:30:15.123456";

/// The timestamp as a value.
pub fn updated_at() -> Result<NaiveDateTime> {
    Ok(NaiveDateTime::parse_from_str(UPDATED_AT, "%Y-%m-%d %H:%M:%S%.f")?)
}

/// The title that belongs to a version: each save changes the title, but never its length, so that
/// all saves cost the same.
pub fn title(version: i64) -> &'static str {
    if version % 2 == 0 { "On the loss of even updates" } else { "On the loss of odd updates!" }
}

/// The guarded write, as one writes it for a C API and for rusqlite.
pub const UPDATE: &str = "UPDATE documents SET title = ?, body = ?, author = ?, views = ?, \
                          price = ?, updated_at = ?, version = ? WHERE id = ? AND version = ?";

/// Creates the table with its rows, which differ in nothing but their keys.
///
/// The databases understand the same text but for the type of a timestamp with microseconds.
pub fn schema(timestamp: &str) -> String {
    let title = title(FIRST_VERSION);
    format!(
        "CREATE TABLE documents (
            id BIGINT NOT NULL PRIMARY KEY,
            title TEXT NOT NULL,
            body TEXT,
            author TEXT NOT NULL,
            views BIGINT NOT NULL,
            price DOUBLE PRECISION NOT NULL,
            updated_at {timestamp} NOT NULL,
            version BIGINT NOT NULL
        );
        INSERT INTO documents
        WITH RECURSIVE numbers (id) AS (
            SELECT 1 UNION ALL SELECT id + 1 FROM numbers WHERE id < {ROWS}
        )
        SELECT id, '{title}', '{BODY}', '{AUTHOR}', {VIEWS}, {PRICE:?}, '{UPDATED_AT}', {FIRST_VERSION}
        FROM numbers;"
    )
}

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        body -> Nullable<Text>,
        author -> Text,
        views -> BigInt,
        price -> Double,
        updated_at -> Timestamp,
        version -> BigInt,
    }
}
