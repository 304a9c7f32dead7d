//! PostgreSQL: its dialect and its errors.

use diesel_migrations::EmbeddedMigrations;

use super::{Dialect, NewKey};
use crate::error::Reason;

/// PostgreSQL.
///
/// A look after a refused write sees the present by itself at READ COMMITTED, and needs no lock
/// clause: one would need more rights, and would be filtered by the policies for updates, so that a
/// veto looked like a delete.
///
/// ```
/// assert_eq!(noclobber::backend::postgres::DIALECT.name(), "PostgreSQL");
/// ```
pub const DIALECT: Dialect = Dialect {
    name: "PostgreSQL",
    after_begin: "SAVEPOINT noclobber_alive",
    before_commit: "RELEASE SAVEPOINT noclobber_alive",
    present: "",
    hold: " FOR SHARE",
    new_key: NewKey::Returning,
    migrations: || EmbeddedMigrations::new(&[]),
};

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
impl<C> super::HasDialect<C> for diesel::pg::Pg {
    fn dialect(_: &C) -> Dialect {
        DIALECT
    }
}
