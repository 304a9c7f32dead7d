//! The database could not serve a transaction now: run it again.

use std::error::Error as StdError;
use std::fmt;

/// The database could not serve a transaction now; the same one, run again from its beginning,
/// may succeed.
///
/// Nothing of the transaction is written. [`retry`](crate::retry()) runs it again by itself; a web
/// backend that has given up answers 503 with `Retry-After`.
///
/// ```
/// use diesel::result::{DatabaseErrorKind, Error as DieselError};
/// use noclobber::{Error, error::Reason};
///
/// let busy = "database is locked".to_owned();
/// let busy = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(busy));
/// let Error::Unavailable(unavailable) = Error::from(busy) else { panic!() };
/// assert_eq!(unavailable.reason(), Reason::Busy);
/// assert_eq!(unavailable.to_string(), "another writer holds the database: database is locked");
/// ```
#[derive(Debug)]
pub struct Unavailable {
    reason: Reason,
    attempts: u32,
    source: Box<dyn StdError + Send + Sync>,
}

/// Why the database could not serve a transaction.
///
/// ```
/// assert_eq!(noclobber::error::Reason::Busy.to_string(), "another writer holds the database");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Another connection holds the lock that the transaction needs, for longer than the busy
    /// timeout; or, in a transaction that had read already, somebody else wrote since.
    Busy,
    /// The database ended the transaction to resolve a deadlock.
    Deadlock,
    /// The transaction met what another one wrote after it had begun (a serialization failure, or a
    /// snapshot that is too old).
    Serialization,
    /// A lock was not to be had in time, or not at once where that was asked for.
    LockTimeout,
    /// The connection was lost before the transaction was to be committed.
    ConnectionLost,
    /// The pool had no connection to give in time.
    PoolExhausted,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Busy => "another writer holds the database",
            Reason::Deadlock => "the database broke a deadlock",
            Reason::Serialization => "another transaction wrote what this one had read",
            Reason::LockTimeout => "another transaction holds the lock",
            Reason::ConnectionLost => "the connection was lost",
            Reason::PoolExhausted => "the pool had no connection to give",
        })
    }
}

impl Unavailable {
    pub(crate) fn new(reason: Reason, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Unavailable { reason, attempts: 1, source: source.into() }
    }

    /// Why.
    ///
    /// ```
    /// # fn log(unavailable: noclobber::error::Unavailable) {
    /// eprintln!("busy: {}", unavailable.reason());
    /// # }
    /// ```
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How often the transaction was tried before it was given up: 1, unless it came through
    /// [`retry`](crate::retry()) or [`modify`](crate::VersionedDsl::modify).
    ///
    /// ```
    /// # fn log(unavailable: noclobber::error::Unavailable) {
    /// eprintln!("gave up after {} attempts", unavailable.attempts());
    /// # }
    /// ```
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn set_attempts(&mut self, attempts: u32) {
        self.attempts = attempts;
    }
}

impl StdError for Unavailable {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.source)?;
        attempted(self.attempts, f)
    }
}

/// The end of a sentence about something that was tried more than once.
pub(super) fn attempted(attempts: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match attempts {
        1 => Ok(()),
        _ => write!(f, " (given up after {attempts} attempts)"),
    }
}
