//! What the tests share: a table, its model, databases of every kind, and a witness of what is sent.

mod database;
mod witness;

pub(crate) use self::database::{Database, Journal, pool};
pub(crate) use self::witness::Witness;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        body -> Nullable<Text>,
        views -> BigInt,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, AsChangeset, Versioned)]
#[diesel(table_name = documents)]
pub(crate) struct Document {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    #[versioned(unguarded)]
    pub(crate) views: i64,
    pub(crate) version: i64,
}

pub(crate) const CREATE_DOCUMENTS: &str = "
    CREATE TABLE documents (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL CHECK (title <> 'forbidden'),
        body TEXT,
        views BIGINT NOT NULL DEFAULT 0,
        version BIGINT NOT NULL DEFAULT 1
    )";

/// A new document with this title, at version 1.
pub(crate) fn document(title: &str, conn: &mut SqliteConnection) -> Document {
    let values = (documents::title.eq(title), documents::body.eq("as it was"));
    Document::create(values, conn).unwrap()
}

/// The row as it stands, read by Diesel alone.
pub(crate) fn row(id: i64, conn: &mut SqliteConnection) -> Option<Document> {
    Document::query().find(id).first(conn).optional().unwrap()
}

pub(crate) fn run(sql: &str, conn: &mut SqliteConnection) {
    conn.batch_execute(sql).unwrap();
}

/// A trigger that keeps every UPDATE of a document from happening, without an error.
pub(crate) const VETO: &str = "
    CREATE TRIGGER veto BEFORE UPDATE ON documents BEGIN SELECT RAISE(IGNORE); END";

/// A trigger that fails every UPDATE of a document after the row is written.
pub(crate) const FAIL: &str = "
    CREATE TRIGGER fail AFTER UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'no'); END";

/// One test for each kind of database, from one body.
macro_rules! on_every_database {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            #[expect(clippy::allow_attributes, reason = "not every body needs what stands around it")]
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::*;

            fn body($conn: &mut diesel::SqliteConnection) $body

            #[test]
            fn in_memory() {
                body(&mut $crate::support::Database::in_memory().connect());
            }

            #[test]
            fn wal_file() {
                let database = $crate::support::Database::file($crate::support::Journal::Wal);
                body(&mut database.connect());
            }

            #[test]
            fn delete_journal_file() {
                let database = $crate::support::Database::file($crate::support::Journal::Delete);
                body(&mut database.connect());
            }
        }
    )*};
}

pub(crate) use on_every_database;
