//! What can go wrong, in one type: [`Error`].
//!
//! An error names the table and the key of the record it is about, and versions; never values.
//! Which of a database's errors means what is decided in [`backend`](crate::backend), where
//! `From<diesel::result::Error>` stands.

mod conflict;
mod lock;
mod unavailable;
mod unknown_outcome;

use std::fmt;

pub use self::conflict::{ConcurrentModificationError, Found};
pub use self::lock::{LockHeld, LockLost, Loss, OverrideRefused};
pub use self::unavailable::{Reason, Unavailable};
pub use self::unknown_outcome::UnknownOutcome;

/// What the operations of this crate answer.
///
/// ```
/// fn nothing_to_do() -> noclobber::Result<()> {
///     Ok(())
/// }
/// # nothing_to_do().unwrap();
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in an operation of this crate.
///
/// The predicates ([`is_conflict`](Error::is_conflict), [`is_retryable`](Error::is_retryable),
/// [`is_not_found`](Error::is_not_found)) answer what callers ask most.
///
/// ```
/// use noclobber::Error;
///
/// fn status(error: &Error) -> u16 {
///     match error {
///         Error::ConcurrentModification(_) => 409,
///         Error::Unavailable(_) => 503,
///         error if error.is_not_found() => 404,
///         _ => 500,
///     }
/// }
///
/// assert_eq!(status(&Error::from(diesel::result::Error::NotFound)), 404);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no row with the key that was asked for.
    #[error("{0} does not exist")]
    NotFound(Record),

    /// The write changed nothing, because the record is no longer what its writer had loaded.
    #[error("{0}")]
    ConcurrentModification(#[source] ConcurrentModificationError),

    /// The database could not serve the transaction now; the same one, run again, may succeed.
    #[error("{0}")]
    Unavailable(#[source] Unavailable),

    /// The connection was lost while the database answered: the write may have happened, or not.
    #[error("{0}")]
    UnknownOutcome(#[source] UnknownOutcome),

    /// The declared primary key does not name one row: the write matched several.
    ///
    /// [`transaction`](crate::transaction) rolls such a write back; one that was sent alone stays
    /// written. Declare the whole key: `#[diesel(primary_key(…))]`.
    #[error(
        "the key of {record} is not unique: it matched {rows} rows; declare the whole primary key"
    )]
    KeyNotUnique {
        /// The record as its key names it.
        record: Record,
        /// How many rows the key matched.
        rows: usize,
    },

    /// The version of the record has no successor: a counter stands at its maximum.
    #[error(
        "{record} cannot be written any more: its version {version} is the last one of its type; \
         give the column a wider type"
    )]
    VersionExhausted {
        /// The record that cannot be written.
        record: Record,
        /// Its last version, as canonical text.
        version: String,
    },

    /// A write was carried out and the trigger that was to move the version on did not; the write is
    /// rolled back.
    ///
    /// A version that stays would let the next stale write pass. See that the trigger fires at every
    /// UPDATE of the table.
    #[error(
        "no trigger moved the version {version} of {record} on, as `#[versioned(trigger)]` says it \
         does: nothing was written; create a trigger that does so at every UPDATE of the table"
    )]
    VersionUnchanged {
        /// The record that was to be written.
        record: Record,
        /// The version that it has kept, as canonical text.
        version: String,
    },

    /// A batch has two records with the same key; nothing was sent.
    ///
    /// One of them would have overwritten the other.
    #[error(
        "{0} is in the batch twice: nothing was sent; decide which of the two is to be written"
    )]
    TwiceInBatch(Record),

    /// A change gave the record another key, so that the save would have hit another row.
    #[error(
        "the change of {loaded} turned its key into {changed}; a key is not changed by a save: \
         delete the record and create another one"
    )]
    KeyChanged {
        /// The record that was loaded.
        loaded: Record,
        /// The key that it had afterwards, as canonical text.
        changed: String,
    },

    /// A child was to be written, and the root that it belongs to does not exist; nothing was written.
    #[error(
        "{root} does not exist, and a record of {child} was to be written in it: nothing was written"
    )]
    RootNotFound {
        /// The root as the child's field names it.
        root: Record,
        /// The child's table.
        child: &'static str,
    },

    /// A child is there at the expected version, and belongs to another root; nothing was written.
    ///
    /// The field that holds the root's key was changed in memory, or the child was handed to the aggregate
    /// of another root, or somebody has moved it without its version. A child is moved by
    /// [`move_to`](crate::aggregate::ChildDsl::move_to).
    #[error(
        "{record} was not written: it does not belong to {root}, or would not any more; a record is moved \
         to another root by `move_to`"
    )]
    OfAnotherRoot {
        /// The child.
        record: Record,
        /// The root that it does not belong to.
        root: Record,
    },

    /// The database accepted an insert and kept no row, because a trigger or a rule dropped it.
    #[error(
        "no row of {table} was created: a trigger or a rule of the database dropped the insert"
    )]
    NotCreated {
        /// The table of the insert.
        table: &'static str,
    },

    /// The database created a row and does not tell its key.
    ///
    /// MySQL tells only a number that it chose itself, for a key of one column. Where the caller
    /// gives the key there is [`create_with`](crate::VersionedDsl::create_with).
    #[error(
        "the database does not tell the key of the new row of {table}; nothing was created: give \
         the key by `create_with`"
    )]
    KeyUnknown {
        /// The table of the insert.
        table: &'static str,
    },

    /// An unknown outcome was to be resolved that is not that of a write of this model.
    #[error(
        "this unknown outcome is not that of a write to {table}: resolve it by the model that was \
         written; a lost COMMIT names no record"
    )]
    NotOfThisModel {
        /// The table of the model that was asked.
        table: &'static str,
    },

    /// A transaction is open, and the operation has to begin its own.
    ///
    /// Answered by [`retry`](crate::retry()) and by
    /// [`modify`](crate::VersionedDsl::modify): what runs again inside a transaction meets the
    /// same snapshot, or what is left of its own first attempt. Call them outside; a host whose
    /// tests run inside a test transaction says so with
    /// [`Policy::nested`](crate::retry::Policy::nested).
    #[error(
        "a transaction is already open, and what is tried again inside it may never succeed; \
         call this outside the transaction, or allow a single run with `.nested(RunOnce)`"
    )]
    InTransaction,

    /// No transaction is open, and what the operation promises would end with its statement.
    #[error(
        "no transaction is open, and what is held here is held until the transaction ends: call this \
         inside `noclobber::transaction`"
    )]
    NotInTransaction,

    /// The closure of a transaction ended well, but the transaction was no longer the one that was
    /// begun.
    ///
    /// Most often an error that makes the database roll back was ignored inside the closure: what
    /// was sent before it is undone, and on SQLite and MySQL what was sent after it may stand
    /// already, each statement on its own. Or the closure has ended the transaction by hand, or left
    /// another one open in it; that one is rolled back.
    #[error(
        "the transaction was no longer the one that was begun: the database rolled it back, because \
         an error inside it was ignored, or it was ended, or another one left open, by hand; what was \
         sent after that may be written"
    )]
    RolledBack(#[source] diesel::result::Error),

    /// Somebody holds the lease that was asked for.
    #[error("{0}")]
    LockHeld(LockHeld),

    /// A lease was lost before what it was to protect; nothing was written.
    #[error("{0}")]
    LockLost(LockLost),

    /// Somebody else's lease was not ended: it is not the one that was seen, or the policy says no.
    #[error("{0}")]
    OverrideRefused(OverrideRefused),

    /// What a lease was asked for with makes no sense, or does not fit; nothing was sent.
    #[error("no lease can be taken like this: {0}")]
    InvalidLock(String),

    /// A transaction is open, and a lease that is taken, kept or given back inside it would be so for
    /// nobody else before it is committed.
    #[error(
        "a transaction is open, and a lease is taken, renewed and released outside of one; a host whose \
         tests run inside a transaction says `.nested(RunOnce)`"
    )]
    LockInTransaction,

    /// The tables that leases are kept in are not there.
    #[error(
        "the tables {tables} are missing: run `noclobber::migrations::run`, or copy the library's folder \
         `migrations/` for this database into yours ({source})"
    )]
    LockTablesMissing {
        /// The names of the tables.
        tables: String,
        /// What the database said.
        source: diesel::result::Error,
    },

    /// The database's clock stands still while a statement waits, so that leases could not be judged by
    /// it: MySQL with `--sysdate-is-now`.
    #[error(
        "the server runs with `--sysdate-is-now`: its clock stands still while a statement waits, and a \
         lease would be judged by the time before; remove the option"
    )]
    FrozenClock,

    /// The system gave no thread for a keeper.
    #[error("no thread could be started that renews the lease: {0}")]
    NoThread(#[source] std::io::Error),

    /// Any other error of the database or of Diesel.
    #[error("{0}")]
    Database(#[source] diesel::result::Error),
}

impl Error {
    /// Whether a write was refused because somebody else was faster.
    ///
    /// ```
    /// use noclobber::Error;
    ///
    /// assert!(!Error::InTransaction.is_conflict());
    /// ```
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Error::ConcurrentModification(_))
    }

    /// Whether the same transaction, run again from its beginning, may succeed.
    ///
    /// A conflict is not retryable in this sense: who sends the same stale version again is
    /// refused again. Load the record anew, or let [`modify`](crate::VersionedDsl::modify) do it.
    ///
    /// ```
    /// use diesel::result::{DatabaseErrorKind, Error as DieselError};
    /// use noclobber::Error;
    ///
    /// let busy = "database is locked".to_owned();
    /// let busy = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(busy));
    /// assert!(Error::from(busy).is_retryable());
    /// ```
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Unavailable(_))
    }

    /// Whether the record that was asked for does not exist.
    ///
    /// True as well for the root of a child that is not there any more, and for Diesel's own `NotFound`,
    /// which names no record.
    ///
    /// ```
    /// use noclobber::Error;
    ///
    /// assert!(Error::from(diesel::result::Error::NotFound).is_not_found());
    /// ```
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Error::NotFound(_)
                | Error::RootNotFound { .. }
                | Error::Database(diesel::result::Error::NotFound)
        )
    }

    /// The conflict, when this is one.
    ///
    /// ```
    /// use noclobber::Error;
    ///
    /// assert!(Error::InTransaction.conflict().is_none());
    /// ```
    #[must_use]
    pub fn conflict(&self) -> Option<&ConcurrentModificationError> {
        match self {
            Error::ConcurrentModification(conflict) => Some(conflict),
            _ => None,
        }
    }
}

/// A record, as errors name it: its table, and its key as canonical text.
///
/// ```
/// use noclobber::error::Record;
///
/// let record = Record::new("documents", "7");
/// assert_eq!(record.to_string(), "documents 7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    table: &'static str,
    key: String,
}

impl Record {
    /// The record of `table` whose key has the canonical text `key`.
    ///
    /// ```
    /// use noclobber::error::Record;
    ///
    /// assert_eq!(Record::new("seats", "12,A").key(), "12,A");
    /// ```
    #[must_use]
    pub fn new(table: &'static str, key: impl Into<String>) -> Self {
        Record { table, key: key.into() }
    }

    /// The table, by the name of its `table!` module.
    ///
    /// ```
    /// use noclobber::error::Record;
    ///
    /// assert_eq!(Record::new("seats", "12,A").table(), "seats");
    /// ```
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// The primary key as canonical text; see [`Key`](crate::key::Key).
    ///
    /// ```
    /// use noclobber::error::Record;
    ///
    /// assert_eq!(Record::new("documents", "7").key(), "7");
    /// ```
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.key)
    }
}
