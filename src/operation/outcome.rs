//! What the number of rows means that a guarded write has changed.
//!
//! Pure but for the look that [`written`] takes after a miss, so that an asynchronous carrier can
//! share [`found`] and [`conflict`].

use diesel::QueryResult;

use super::store::Store;
use crate::error::{ConcurrentModificationError, Error, Found, Result};
use crate::model::{Versioned, record};
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
    match rows? {
        1 => Ok(()),
        0 => Err(conflict::<M>(key, expected, found::<M>(conn.__look(key), expected))),
        rows => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
    }
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
