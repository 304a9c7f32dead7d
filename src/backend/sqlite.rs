//! SQLite: its dialect, its errors, and how to open its connections.
//!
//! What to know of it:
//!
//! * It has one writer at a time. Open connections with [`ConnectionOptions`], so that the others
//!   wait for it, and give writers a pool of one.
//! * Keys return: a rowid is handed out again after a delete, unless the table is declared
//!   `AUTOINCREMENT`. See [`create`](crate::VersionedDsl::create).
//! * Timestamps are text and are compared as text. As versions they must be written by Diesel alone:
//!   `12:00:00.120` and `12:00:00.120000` are the same time, and the one does not match the other.
//!   `DEFAULT CURRENT_TIMESTAMP` fits a `NaiveDateTime`, not a `DateTime<Utc>`.
//! * Who depends on a record by [`verify`](crate::VersionedDsl::verify) begins the outermost
//!   transaction by [`transaction`](crate::transaction()): that one is a writer from the start. Diesel's
//!   own is not before its first write, and in a write-ahead log nobody waits for it until then.
//! * Decimals are floating point numbers. What `save` gives back is what it was given; what the
//!   database made of it shows when the record is loaded again.

#[cfg(feature = "sqlite")]
mod options;
#[cfg(all(feature = "sqlite", feature = "uuid"))]
mod uuid_text;

#[cfg(feature = "sqlite")]
pub use self::options::ConnectionOptions;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::row_lock::{NO_CLAUSES, RowLocks};
use super::{Batch, Dialect, NewKey, Proof};
use crate::error::Reason;

/// SQLite, from version 3.35 on (for `RETURNING`).
///
/// A transaction begins with `BEGIN IMMEDIATE`: one that reads first and then writes would fail
/// with "database is locked" as soon as anybody else has written in between, whatever the busy
/// timeout says. For the same reason no read needs a lock clause: who writes is alone.
///
/// ```
/// assert_eq!(noclobber::backend::sqlite::DIALECT.name(), "SQLite");
/// ```
pub const DIALECT: Dialect = Dialect {
    name: "SQLite",
    // Diesel has sent `BEGIN`, which holds nothing yet, and counts its transaction from there.
    after_begin: "ROLLBACK; BEGIN IMMEDIATE; SAVEPOINT noclobber_alive",
    before_commit: "RELEASE SAVEPOINT noclobber_alive",
    present: "",
    hidden: None,
    in_snapshot: "",
    row_locks: RowLocks { for_share: NO_CLAUSES, for_update: NO_CLAUSES },
    before_begin_short: "",
    after_begin_short: "ROLLBACK; BEGIN IMMEDIATE; SAVEPOINT noclobber_alive",
    now: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    frozen: None,
    patience: Some("SELECT timeout FROM pragma_busy_timeout"),
    unless_there: " ON CONFLICT DO NOTHING",
    unless_key_there: Some((" ON CONFLICT (", ") DO NOTHING")),
    // The statement is a writer, and there is only one.
    proof: Proof::Within {
        before: "",
        condition: " AND EXISTS (SELECT 1 FROM {locks} WHERE entity = ? AND record = ? \
                    AND fence = ? AND token = ? AND expires_at > {now})",
    },
    remote: false,
    new_key: NewKey::Returning,
    // There is no way to the server that could be saved: single statements, prepared once, are the
    // fastest.
    batch: Batch::Singly,
    keeps_failed_queries: false,
    migrations: || MIGRATIONS,
};

/// The library's own tables.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// `SQLITE_BUSY` and `SQLITE_LOCKED`, by the messages that `sqlite3_errmsg` gives them. Some name
/// the table behind a colon.
pub(super) fn reason(message: &str) -> Option<Reason> {
    let message = message.split_once(':').map_or(message, |(before, _)| before);
    match message {
        "database is locked" | "database table is locked" | "database schema is locked" => {
            Some(Reason::Busy)
        }
        _ => None,
    }
}

#[cfg(feature = "sqlite")]
impl super::BindArray for diesel::sqlite::Sqlite {}

#[cfg(feature = "sqlite")]
impl<C> super::HasDialect<C> for diesel::sqlite::Sqlite {
    #[inline]
    fn dialect(_: &C) -> Dialect {
        DIALECT
    }
}
