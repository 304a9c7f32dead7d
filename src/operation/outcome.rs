//! What the number of rows means that a guarded write has changed.
//!
//! Pure but for the look that [`written`] takes after a miss, so that an asynchronous carrier can
//! share [`found`] and [`conflict`].

use diesel::QueryResult;
use diesel::result::Error as DieselError;

use super::store::Store;
use crate::backend;
use crate::error::{ConcurrentModificationError, Error, Found, Reason, Result};
use crate::model::{Versioned, record};
use crate::transaction::depth;
use crate::version::{Clock, Version};

/// The clock for the versions of a model.
pub(super) fn clock<M: Versioned>() -> Clock {
    Clock::system(M::PRECISION)
}

/// The version that a write puts in the place of `expected`.
#[inline]
pub(super) fn next<M: Versioned>(key: &M::Key, expected: &M::Version) -> Result<M::Version> {
    expected.next(&clock::<M>()).ok_or_else(|| Error::VersionExhausted {
        record: record::<M>(key),
        version: expected.text().into_owned(),
    })
}

/// Judges a guarded write by the rows it changed: one is as it should be.
#[inline]
pub(super) fn written<M, C>(
    rows: QueryResult<usize>,
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
) -> Result<()>
where
    M: Versioned,
    C: Store<M>,
{
    match rows {
        Ok(1) => Ok(()),
        Ok(0) => Err(conflict::<M>(key, expected, found::<M>(conn.__look(key), expected))),
        Ok(rows) => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
        Err(error) => Err(refused(error, key, expected, conn)),
    }
}

/// Judges a guarded write that the database refused with an error.
///
/// At the higher isolation levels of PostgreSQL, a write that waited for another one is refused
/// instead of matching nothing. Inside a transaction that is the end of it. A write that was alone
/// has ended, and the look can tell who was faster.
#[cold]
fn refused<M, C>(error: DieselError, key: &M::Key, expected: &M::Version, conn: &mut C) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    let alone = depth(conn).is_ok_and(|depth| depth == 0);
    if alone && backend::reason(&error) == Some(Reason::Serialization) {
        let found = found::<M>(conn.__look(key), expected);
        if matches!(found, Found::Version(_) | Found::Deleted) {
            return conflict::<M>(key, expected, found);
        }
    }
    error.into()
}

/// What a look saw after a write that expected another version.
pub(super) fn found<M: Versioned>(
    look: QueryResult<Option<M::Version>>,
    expected: &M::Version,
) -> Found {
    match look {
        Ok(Some(present)) if present == *expected => Found::Vetoed,
        Ok(Some(present)) => Found::Version(present.text().into_owned()),
        Ok(None) => Found::Deleted,
        // A failing look never hides the conflict.
        Err(_) => Found::Unknown,
    }
}

#[cold]
pub(super) fn conflict<M: Versioned>(key: &M::Key, expected: &M::Version, found: Found) -> Error {
    let record = record::<M>(key);
    Error::ConcurrentModification(ConcurrentModificationError::new(record, expected.text(), found))
}
