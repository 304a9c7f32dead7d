//! Which errors of a database a restart may cure.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{mysql, postgres, sqlite};
use crate::error::{Error, Reason, Unavailable};

/// Sorts an error of Diesel: what a restart may cure becomes [`Error::Unavailable`], everything
/// else stays what it is, as [`Error::Database`].
///
/// ```
/// use noclobber::Error;
///
/// let error = Error::from(diesel::result::Error::NotFound);
/// assert!(matches!(error, Error::Database(diesel::result::Error::NotFound)));
/// ```
impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match reason(&error) {
            Some(reason) => Error::Unavailable(Unavailable::new(reason, error)),
            None => Error::Database(error),
        }
    }
}

/// Why a transaction that met this error may succeed when it is run again, if it may.
///
/// Diesel shows neither the SQLSTATE nor the error number of a database, so kind and message have
/// to do. An error that no database's table lists is never taken for a passing one.
pub(crate) fn reason(error: &DieselError) -> Option<Reason> {
    match error {
        // MySQL has one SQLSTATE for both.
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, information) => {
            mysql::reason(information.message()).or(Some(Reason::Serialization))
        }
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => {
            Some(Reason::ConnectionLost)
        }
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            sqlite::reason(message)
                .or_else(|| postgres::reason(message))
                .or_else(|| mysql::reason(message))
        }
        // What is left when a rollback failed, which is when there is nobody to roll back.
        DieselError::BrokenTransactionManager => Some(Reason::ConnectionLost),
        DieselError::RollbackErrorOnCommit { commit_error, .. } => reason(commit_error),
        _ => None,
    }
}

/// Whether a statement named a table that is not there. By the messages of servers that speak English; in
/// another language it is an error like any other.
pub(crate) fn is_missing_table(error: &DieselError) -> bool {
    let DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) = error else {
        return false;
    };
    let message = information.message();
    message.starts_with("no such table: ")
        || message.starts_with("relation ") && message.ends_with(" does not exist")
        || message.starts_with("Table ") && message.ends_with(" doesn't exist")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_error(message: &str) -> DieselError {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    #[test]
    fn busy_and_locked_are_unavailable() {
        for message in [
            "database is locked",
            "database table is locked",
            "database table is locked: documents",
            "database schema is locked: main",
        ] {
            assert_eq!(reason(&database_error(message)), Some(Reason::Busy), "{message}");
        }
    }

    #[test]
    fn a_deadlock_is_told_from_a_serialization_failure() {
        let failure = |message: &str| {
            let kind = DatabaseErrorKind::SerializationFailure;
            reason(&DieselError::DatabaseError(kind, Box::new(message.to_owned())))
        };
        let deadlock = "Deadlock found when trying to get lock; try restarting transaction";
        assert_eq!(failure(deadlock), Some(Reason::Deadlock));
        let serialization = "could not serialize access due to concurrent update";
        assert_eq!(failure(serialization), Some(Reason::Serialization));
        assert_eq!(failure("in any language"), Some(Reason::Serialization));
    }

    #[test]
    fn an_unknown_error_stays_what_it_is() {
        for message in ["no such table: documents", "", "the database is locked away", "disk full"]
        {
            assert_eq!(reason(&database_error(message)), None, "{message}");
        }
        let kind = DatabaseErrorKind::UniqueViolation;
        let violation = DieselError::DatabaseError(kind, Box::new("database is locked".to_owned()));
        assert_eq!(reason(&violation), None);
    }

    #[test]
    fn a_failed_commit_counts_by_its_own_error() {
        let error = DieselError::RollbackErrorOnCommit {
            rollback_error: Box::new(database_error("no transaction is active")),
            commit_error: Box::new(database_error("database is locked")),
        };
        assert_eq!(reason(&error), Some(Reason::Busy));
    }
}
