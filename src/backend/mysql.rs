//! MySQL and MariaDB: their dialect and their errors.
//!
//! Tested against MariaDB 10.11. MySQL itself has not been at hand: what is sent is written for both,
//! and its errors are in the table by their documented messages.
//!
//! What to know of them:
//!
//! * They tell only keys that they chose themselves, for one column. For all others there is
//!   [`create_with`](crate::VersionedDsl::create_with); also for a table in which a column that is not the
//!   key is `AUTO_INCREMENT`, whose number `create` would take for the key.
//! * At REPEATABLE READ, their default, a stale write inside a transaction is a conflict. With
//!   MariaDB's `innodb_snapshot_isolation`, which newer versions have on, it ends the transaction
//!   ([`Error::Unavailable`](crate::Error::Unavailable)).
//! * A column that is a DATETIME is `Datetime` in the schema. MariaDB takes what is bound as a
//!   `Timestamp` for a time of the session's `time_zone`: it stores NULL outside of 1970 to 2038, and for
//!   a time in the hour that the zone skips in spring, the end of that hour. A version of that hour is
//!   not found again: the next save of the same model is refused, none is lost.
//! * A read that locks a row which is not there locks the gap that it would stand in. Two who look for a
//!   record by [`find_for_update`](crate::VersionedDsl::find_for_update) and create it when there is none
//!   end in a deadlock; [`upsert`](crate::VersionedDsl::upsert) inserts first.
//! * Locks that do not wait or that skip need MySQL 8.0.1, or MariaDB 10.3 (`NOWAIT`) and 10.6 (`SKIP
//!   LOCKED`).
//! * MariaDB's client library waits for ever when a prepared query is sent once more that had failed after the
//!   server began to answer, as those do that meet a deadlock, or a lock that is not to be had. So Diesel's
//!   cache of prepared statements is emptied when a query of noclobber's fails, and when a
//!   [`transaction`](crate::transaction()) is not committed. (It is on afterwards, also if it had been turned
//!   off by `set_prepared_statement_cache_size`.) A query of the host's own that failed must not be sent again
//!   through the same connection, unless a `transaction` around it has answered an error since.
//! * When a deadlock or a snapshot has ended a transaction and its error is ignored, what is sent
//!   afterwards stands on its own. [`Error::RolledBack`](crate::Error::RolledBack) tells.

#[cfg(all(feature = "mysql", feature = "uuid"))]
mod uuid_text;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::row_lock::{Clauses, RowLocks};
use super::{Batch, Dialect, NewKey, Proof};
use crate::error::Reason;

/// MySQL and MariaDB, which differ in nothing that is sent.
///
/// At REPEATABLE READ, their default, a plain read returns what the transaction saw first. So the
/// look after a refused write is a locking one, in the spelling that both know.
///
/// ```
/// assert_eq!(noclobber::backend::mysql::DIALECT.name(), "MySQL");
/// ```
pub const DIALECT: Dialect = Dialect {
    name: "MySQL",
    after_begin: "SAVEPOINT noclobber_alive",
    before_commit: "RELEASE SAVEPOINT noclobber_alive",
    present: " LOCK IN SHARE MODE",
    hidden: None,
    in_snapshot: "",
    // With a word behind it the shared lock has no spelling that both know. Each takes the comment that
    // is meant for the other one for a comment.
    row_locks: RowLocks {
        for_share: Clauses {
            wait: " LOCK IN SHARE MODE",
            no_wait: " /*!80001 FOR SHARE NOWAIT */ /*M! LOCK IN SHARE MODE NOWAIT */",
            skip_locked: " /*!80001 FOR SHARE SKIP LOCKED */ /*M! LOCK IN SHARE MODE SKIP LOCKED */",
        },
        for_update: Clauses {
            wait: " FOR UPDATE",
            no_wait: " FOR UPDATE NOWAIT",
            skip_locked: " FOR UPDATE SKIP LOCKED",
        },
    },
    // Of the next transaction alone.
    before_begin_short: "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    after_begin_short: "SAVEPOINT noclobber_alive",
    // `SYSDATE` moves on, in the session's time zone.
    now: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', TIMESTAMPADD(MICROSECOND, \
          TIMESTAMPDIFF(MICROSECOND, NOW(6), UTC_TIMESTAMP(6)), SYSDATE(6))) DIV 1000",
    frozen: Some(["SELECT SYSDATE(6) = NOW(6)", "SELECT SLEEP(0.002) + (SYSDATE(6) = NOW(6))"]),
    patience: None,
    // `IGNORE` would cut off what is too long.
    unless_there: "",
    unless_key_there: None,
    proof: Proof::Before,
    remote: true,
    new_key: NewKey::LastInsertId {
        forget: "DO LAST_INSERT_ID(0)",
        // Compared with a number, any text that does not begin with one is a zero.
        ask: "NULLIF(LAST_INSERT_ID(), 0)",
    },
    // A statement has at most 65,535 places. MySQL wants to read the word, from 8.0.19 on, and MariaDB
    // passes over a comment for such a version.
    batch: Batch::Union { rows: 1_000, binds: 65_535, row: "/*!80019 ROW*/ " },
    // MariaDB's does. The server tells of a refused lock after the head, in the place of the first row.
    keeps_failed_queries: true,
    migrations: || MIGRATIONS,
};

/// The library's own tables.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// What Diesel calls `Unknown`, by the messages of a server that speaks English. The numbers are the
/// servers': 1213, 1205, MySQL's 3572, MariaDB's 1020, and the clients' 2006 and 2013.
pub(super) fn reason(message: &str) -> Option<Reason> {
    let starts = |beginning: &str| message.starts_with(beginning);
    if starts("Deadlock found when trying to get lock") {
        Some(Reason::Deadlock)
    } else if starts("Lock wait timeout exceeded") || starts("Statement aborted because lock(s)") {
        Some(Reason::LockTimeout)
    } else if starts("Record has changed since last read in table") {
        Some(Reason::Serialization)
    } else if message.ends_with("erver has gone away") || starts("Lost connection to ") {
        // "MySQL server", "Server": the libraries differ.
        Some(Reason::ConnectionLost)
    } else {
        None
    }
}

#[cfg(feature = "mysql")]
impl super::BindArray for diesel::mysql::Mysql {}

#[cfg(feature = "mysql")]
impl<C> super::HasDialect<C> for diesel::mysql::Mysql {
    #[inline]
    fn dialect(_: &C) -> Dialect {
        DIALECT
    }
}
