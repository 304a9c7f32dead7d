//! PostgreSQL: its dialect and its errors.
//!
//! What to know of it:
//!
//! * At READ COMMITTED, its default, a stale write is a conflict, inside a transaction and outside.
//!   At REPEATABLE READ and SERIALIZABLE it ends the transaction when the record has changed since that
//!   began ([`Error::Unavailable`](crate::Error::Unavailable)); when it had changed before, or is not in
//!   the transaction's snapshot, the conflict does not say what is there
//!   ([`Found::Unknown`](crate::Found::Unknown)). A write that was alone is still told who was faster.
//! * Any error inside a transaction ends it. One that is ignored there makes
//!   [`Error::RolledBack`](crate::Error::RolledBack) of it, where a plain COMMIT would roll back and
//!   report success.
//! * Which errors a restart may cure is read from the server's messages in English (`lc_messages`). In
//!   another language those that Diesel has no kind for stay
//!   [`Error::Database`](crate::Error::Database), and are not tried again.

#[cfg(all(feature = "postgres", feature = "uuid"))]
mod uuid_native;
#[cfg(all(feature = "postgres", feature = "uuid"))]
mod uuid_text;

#[cfg(feature = "postgres")]
use diesel::{
    QueryResult,
    query_builder::AstPass,
    serialize::ToSql,
    sql_types::{Array, HasSqlType, SqlType},
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::row_lock::{Clauses, RowLocks};
use super::{Batch, Dialect, NewKey, Proof};
use crate::error::Reason;

/// PostgreSQL.
///
/// A look after a refused write sees the present by itself at READ COMMITTED, and needs no lock
/// clause: one would need more rights, and would be filtered by the policies for updates, so that a
/// veto looked like a delete. Where row-level security is active for the account, a row that is not seen
/// may be there all the same, and is answered as [`Found::Unknown`](crate::Found::Unknown).
///
/// ```
/// assert_eq!(noclobber::backend::postgres::DIALECT.name(), "PostgreSQL");
/// ```
pub const DIALECT: Dialect = Dialect {
    name: "PostgreSQL",
    after_begin: "SAVEPOINT noclobber_alive",
    before_commit: "RELEASE SAVEPOINT noclobber_alive",
    present: "",
    // Quoted so that the table's name may hold quotes of its own.
    hidden: Some((" UNION ALL SELECT NULL WHERE row_security_active($noclobber$", "$noclobber$)")),
    in_snapshot: " UNION ALL SELECT NULL FROM (VALUES (1), (2)) AS twice \
                  WHERE current_setting('transaction_isolation') NOT LIKE 'read %'",
    row_locks: RowLocks {
        for_share: Clauses {
            wait: " FOR SHARE",
            no_wait: " FOR SHARE NOWAIT",
            skip_locked: " FOR SHARE SKIP LOCKED",
        },
        // What an UPDATE takes that leaves the key alone: rows that refer to this one do not wait for it.
        for_update: Clauses {
            wait: " FOR NO KEY UPDATE",
            no_wait: " FOR NO KEY UPDATE NOWAIT",
            skip_locked: " FOR NO KEY UPDATE SKIP LOCKED",
        },
    },
    before_begin_short: "",
    // Not inside a savepoint.
    after_begin_short: "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SAVEPOINT noclobber_alive",
    now: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    frozen: None,
    patience: None,
    unless_there: " ON CONFLICT DO NOTHING",
    unless_key_there: Some((" ON CONFLICT (", ") DO NOTHING")),
    // Without the row lock, a steal that commits while the write waits would go unnoticed.
    proof: Proof::Within {
        before: "WITH lease AS MATERIALIZED (SELECT 1 FROM {locks} WHERE entity = ? AND record = ? \
                 AND fence = ? AND token = ? AND expires_at > {now} FOR SHARE) ",
        condition: " AND EXISTS (SELECT 1 FROM lease)",
    },
    remote: true,
    new_key: NewKey::Returning,
    // A bound on the memory for one statement.
    batch: Batch::Arrays { rows: 5_000 },
    keeps_failed_queries: false,
    migrations: || MIGRATIONS,
};

/// The library's own tables.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// What Diesel calls `Unknown`, by the messages of a server that speaks English.
pub(super) fn reason(message: &str) -> Option<Reason> {
    match message {
        "deadlock detected" => Some(Reason::Deadlock),
        "canceling statement due to lock timeout" => Some(Reason::LockTimeout),
        _ if message.starts_with("could not obtain lock on ") => Some(Reason::LockTimeout),
        _ if message.starts_with("terminating connection due to ") => Some(Reason::ConnectionLost),
        _ => None,
    }
}

#[cfg(feature = "postgres")]
impl super::BindArray for diesel::pg::Pg {
    const HAS_ARRAYS: bool = true;

    fn bind_array<'b, ST, T>(
        items: &'b Vec<&'b T>,
        mut out: AstPass<'_, 'b, Self>,
    ) -> QueryResult<()>
    where
        Self: HasSqlType<ST>,
        ST: SqlType + 'static,
        T: ToSql<ST, Self>,
    {
        out.push_bind_param::<Array<ST>, Vec<&'b T>>(items)
    }
}

#[cfg(feature = "postgres")]
impl<C> super::HasDialect<C> for diesel::pg::Pg {
    #[inline]
    fn dialect(_: &C) -> Dialect {
        DIALECT
    }
}
