//! `resolve`: what became of a write whose answer was lost.

use super::outcome::{Attempt, Lost};
use super::store::{Seen, Store};
use crate::error::{Error, Result, UnknownOutcome};
use crate::model::Versioned;
use crate::transaction::of_statements;

/// What became of a write whose answer was lost.
///
/// ```
/// use noclobber::operation::Resolution;
///
/// fn tell(resolution: Resolution) -> &'static str {
///     match resolution {
///         Resolution::Applied => "saved",
///         Resolution::NotApplied => "not saved: save it again",
///         _ => "somebody has been there since: please look",
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// It happened: the record has the version that it was to leave, or is gone after a delete.
    Applied,
    /// It did not happen: the record has the version that it expected. Should the statement still be on
    /// its way, it arrives too late once the record is written again.
    NotApplied,
    /// Somebody else has written since, or a trigger chose the version, so that nobody can tell.
    Overtaken,
}

pub(super) fn resolve<M: Versioned, C: Store<M>>(
    unknown: &UnknownOutcome,
    conn: &mut C,
) -> Result<Resolution> {
    let Some(Lost { key, expected, attempt }) = unknown.typed::<Lost<M>>() else {
        return Err(Error::NotOfThisModel { table: M::TABLE });
    };
    // Holding the row waits for a statement that is still on its way through the server.
    of_statements(conn, |conn| {
        Ok(match (seen::<M, C>(key, conn)?, attempt) {
            (Seen::Version(present), Attempt::Version(next)) if present == *next => {
                Resolution::Applied
            }
            (Seen::Nothing, Attempt::NoRow) => Resolution::Applied,
            (Seen::Version(present), _) if present == *expected => Resolution::NotApplied,
            _ => Resolution::Overtaken,
        })
    })
}

/// The version that is there and stays, or why there is none.
fn seen<M: Versioned, C: Store<M>>(key: &M::Key, conn: &mut C) -> Result<Seen<M::Version>> {
    Ok(match conn.__hold(key)? {
        Some(version) => Seen::Version(version),
        None => conn.__look_inside(key)?,
    })
}
