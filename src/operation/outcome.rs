//! What the number of rows means that a guarded write has changed.
//!
//! Pure but for the look that [`written`] takes after a miss, so that an asynchronous carrier can
//! share [`found`] and [`conflict`].

use diesel::QueryResult;
use diesel::result::Error as DieselError;

use super::store::{Seen, Store};
use crate::backend;
use crate::error::{ConcurrentModificationError, Error, Found, Reason, Result, UnknownOutcome};
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

/// A guarded write: of which record, from which version, and to which one unless it is a delete.
pub(super) struct Write<'a, M: Versioned> {
    pub(super) key: &'a M::Key,
    pub(super) expected: &'a M::Version,
    pub(super) next: Option<&'a M::Version>,
    /// Whether the statement is a transaction of its own, sent to a server. Asked before it is sent: a
    /// connection that was lost may not know any more.
    pub(super) alone: bool,
}

/// A write whose outcome is unknown, as its model can resolve it.
pub(super) struct Lost<M: Versioned> {
    pub(super) key: M::Key,
    pub(super) expected: M::Version,
    pub(super) attempt: Attempt<M::Version>,
}

/// What a write would have left behind.
pub(super) enum Attempt<V> {
    Version(V),
    /// A version that nobody here knows.
    AnotherVersion,
    NoRow,
}

/// Judges a guarded write by the rows it changed: one is as it should be.
#[inline]
pub(super) fn written<M, C>(
    rows: QueryResult<usize>,
    write: Write<'_, M>,
    conn: &mut C,
) -> Result<()>
where
    M: Versioned,
    C: Store<M>,
{
    // All that can be said otherwise is kept out of the way of a save that succeeds.
    if let Ok(1) = rows { Ok(()) } else { Err(not_written(rows, write, conn)) }
}

#[cold]
#[inline(never)]
fn not_written<M, C>(rows: QueryResult<usize>, write: Write<'_, M>, conn: &mut C) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    let Write { key, .. } = write;
    match rows {
        Ok(0) => missed::<M, C>(write, conn),
        Ok(rows) => Error::KeyNotUnique { record: record::<M>(key), rows },
        Err(error) => refused(error, write, conn),
    }
}

/// Judges a guarded write that has found no row to change.
pub(super) fn missed<M, C>(write: Write<'_, M>, conn: &mut C) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    let Write { key, expected, alone, .. } = write;
    let look = if alone { conn.__look(key) } else { conn.__look_inside(key) };
    refusal::<M>(look, key, expected, alone)
}

/// What is answered for a write, or in its place, that has found no row; `look` saw what is there instead.
///
/// A look that failed never hides the conflict. But one that the database has ended the whole transaction
/// for is told as that.
pub(super) fn refusal<M: Versioned>(
    look: QueryResult<Seen<M::Version>>,
    key: &M::Key,
    expected: &M::Version,
    alone: bool,
) -> Error {
    match look {
        Err(error) if !alone && backend::reason(&error).is_some() => error.into(),
        look => conflict::<M>(key, expected, found::<M>(look, expected)),
    }
}

/// Judges a guarded write that the database refused with an error.
///
/// At the higher isolation levels of PostgreSQL, a write that waited for another one is refused instead of
/// matching nothing; and so is one on a cluster whose other node was faster. Inside a transaction that is the end of it. A write that was alone
/// has ended, and the look can tell who was faster. When the connection was lost under it, nobody can.
#[cold]
fn refused<M, C>(error: DieselError, write: Write<'_, M>, conn: &mut C) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    let Write { key, expected, next, alone } = write;
    if !alone {
        return error.into();
    }
    match backend::reason(&error) {
        Some(Reason::Serialization | Reason::Deadlock) => {
            faster::<M, C>(key, expected, conn).unwrap_or_else(|| error.into())
        }
        Some(Reason::ConnectionLost) => Error::UnknownOutcome(UnknownOutcome::of_write(
            record::<M>(key),
            expected.text().into_owned(),
            next.map(|next| next.text().into_owned()),
            Lost::<M> {
                key: key.clone(),
                expected: expected.clone(),
                attempt: next.cloned().map_or(Attempt::NoRow, Attempt::Version),
            },
            error,
        )),
        _ => error.into(),
    }
}

/// What became of a transaction that was this write's alone, and of whose record it may say so.
///
/// `left` is what the write would have left behind.
#[cold]
pub(super) fn of_a_lone_transaction<M, C>(
    error: Error,
    key: &M::Key,
    expected: &M::Version,
    left: Attempt<M::Version>,
    conn: &mut C,
) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    match error {
        Error::Unavailable(unavailable)
            if matches!(unavailable.reason(), Reason::Serialization | Reason::Deadlock) =>
        {
            faster::<M, C>(key, expected, conn).unwrap_or(Error::Unavailable(unavailable))
        }
        // Its own transaction had a snapshot, which is gone now.
        Error::ConcurrentModification(conflict) if *conflict.found() == Found::Unknown => {
            faster::<M, C>(key, expected, conn).unwrap_or(Error::ConcurrentModification(conflict))
        }
        Error::UnknownOutcome(unknown) => {
            let attempted = match &left {
                Attempt::Version(next) => Some(next.text().into_owned()),
                Attempt::AnotherVersion | Attempt::NoRow => None,
            };
            let lost = Lost::<M> { key: key.clone(), expected: expected.clone(), attempt: left };
            let (record, expected) = (record::<M>(key), expected.text().into_owned());
            Error::UnknownOutcome(unknown.about(record, expected, attempted, lost))
        }
        error => error,
    }
}

/// The conflict, if somebody else has written: who was faster, when the database has ended a
/// transaction that is known to have been this write's alone.
pub(super) fn faster<M, C>(key: &M::Key, expected: &M::Version, conn: &mut C) -> Option<Error>
where
    M: Versioned,
    C: Store<M>,
{
    match found::<M>(conn.__look(key), expected) {
        found @ (Found::Version(_) | Found::Deleted) => Some(conflict::<M>(key, expected, found)),
        Found::Vetoed | Found::Unknown => None,
    }
}

/// What a look saw after a write that expected another version.
pub(super) fn found<M: Versioned>(
    look: QueryResult<Seen<M::Version>>,
    expected: &M::Version,
) -> Found {
    match look {
        // Nobody has written it, in a snapshot as little as now: that would be a serialization error.
        Ok(Seen::Version(present) | Seen::InSnapshot(present)) if present == *expected => {
            Found::Vetoed
        }
        Ok(Seen::Version(present)) => Found::Version(present.text().into_owned()),
        Ok(Seen::Nothing) => Found::Deleted,
        // A failing look never hides the conflict.
        Ok(Seen::Hidden | Seen::InSnapshot(_)) | Err(_) => Found::Unknown,
    }
}

#[cold]
pub(super) fn conflict<M: Versioned>(key: &M::Key, expected: &M::Version, found: Found) -> Error {
    Error::ConcurrentModification(refused_write::<M>(key, expected, found))
}

/// The conflict by itself.
pub(super) fn refused_write<M: Versioned>(
    key: &M::Key,
    expected: &M::Version,
    found: Found,
) -> ConcurrentModificationError {
    ConcurrentModificationError::new(record::<M>(key), expected.text(), found)
}
