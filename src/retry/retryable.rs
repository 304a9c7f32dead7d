//! What an error asks for: to be left alone, or another attempt.

use std::error::Error as StdError;

use crate::backend;
use crate::error::{ConcurrentModificationError, Error, Found, Unavailable};

/// What an error asks of [`retry`](super::retry()).
///
/// ```
/// use noclobber::Error;
/// use noclobber::retry::{Retry, Retryable};
///
/// assert_eq!(Error::InTransaction.retry(), Retry::Never);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Another attempt would end the same way.
    Never,
    /// Another attempt helps if it loads the records anew; the policy knows whether it does.
    OnConflict,
    /// Another attempt helps.
    Restart,
}

/// An error that can tell whether another attempt helps.
///
/// A web backend implements it for its own error type, by [`retryable_in`] or by a `match`:
///
/// ```
/// use noclobber::retry::{Retry, Retryable, retryable_in};
///
/// #[derive(Debug, thiserror::Error)]
/// enum AppError {
///     #[error("not enough money")]
///     NotEnough,
///     #[error(transparent)]
///     Save(#[from] noclobber::Error),
///     #[error(transparent)]
///     Query(#[from] diesel::result::Error),
/// }
///
/// impl Retryable for AppError {
///     fn retry(&self) -> Retry {
///         retryable_in(self)
///     }
/// }
///
/// assert_eq!(AppError::NotEnough.retry(), Retry::Never);
/// ```
pub trait Retryable {
    /// What this error asks for.
    ///
    /// ```
    /// use noclobber::retry::{Retry, Retryable};
    ///
    /// assert_eq!(diesel::result::Error::NotFound.retry(), Retry::Never);
    /// ```
    fn retry(&self) -> Retry;

    /// Takes down after how many attempts this error was given up on.
    ///
    /// Does nothing by default. [`Error`] keeps it for its conflicts and for
    /// [`Error::Unavailable`]; an error type that wraps it can hand it on.
    ///
    /// ```
    /// use noclobber::retry::{Retry, Retryable};
    ///
    /// struct AppError(noclobber::Error);
    ///
    /// impl Retryable for AppError {
    ///     fn retry(&self) -> Retry {
    ///         self.0.retry()
    ///     }
    ///     fn set_attempts(&mut self, attempts: u32) {
    ///         self.0.set_attempts(attempts);
    ///     }
    /// }
    /// ```
    fn set_attempts(&mut self, attempts: u32) {
        let _ = attempts;
    }
}

impl Retryable for Error {
    fn retry(&self) -> Retry {
        match self {
            Error::Unavailable(_) => Retry::Restart,
            Error::ConcurrentModification(conflict) => after_conflict(conflict),
            _ => Retry::Never,
        }
    }

    fn set_attempts(&mut self, attempts: u32) {
        match self {
            Error::ConcurrentModification(conflict) => conflict.set_attempts(attempts),
            Error::Unavailable(unavailable) => unavailable.set_attempts(attempts),
            _ => {}
        }
    }
}

impl Retryable for diesel::result::Error {
    fn retry(&self) -> Retry {
        match backend::reason(self) {
            Some(_) => Retry::Restart,
            None => Retry::Never,
        }
    }
}

/// What an error asks for whose type says nothing: decided by the first of its
/// [sources](StdError::source) that is known here.
///
/// Known are [`Error`], [`ConcurrentModificationError`], [`Unavailable`], and Diesel's own error.
///
/// ```
/// use noclobber::retry::{Retry, retryable_in};
///
/// let unknown = std::io::Error::other("disk on fire");
/// assert_eq!(retryable_in(&unknown), Retry::Never);
/// ```
#[must_use]
pub fn retryable_in(error: &(dyn StdError + 'static)) -> Retry {
    std::iter::successors(Some(error), |error| StdError::source(*error))
        .find_map(known)
        .unwrap_or(Retry::Never)
}

fn known(error: &(dyn StdError + 'static)) -> Option<Retry> {
    if let Some(error) = error.downcast_ref::<Error>() {
        Some(error.retry())
    } else if let Some(conflict) = error.downcast_ref::<ConcurrentModificationError>() {
        Some(after_conflict(conflict))
    } else if error.is::<Unavailable>() {
        Some(Retry::Restart)
    } else {
        error.downcast_ref::<diesel::result::Error>().map(Retryable::retry)
    }
}

/// A veto stands however often the write is sent.
fn after_conflict(conflict: &ConcurrentModificationError) -> Retry {
    let stands = |conflict: &ConcurrentModificationError| *conflict.found() == Found::Vetoed;
    if stands(conflict) || conflict.others().iter().any(stands) {
        Retry::Never
    } else {
        Retry::OnConflict
    }
}
