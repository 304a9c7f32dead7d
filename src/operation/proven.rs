//! Writes that prove a lease in their own statement: when one changes no row, either may be the reason.

use diesel::QueryResult;

use super::outcome::{self, Write};
use super::store::{Store, StoreChanges};
use crate::error::{Error, Result};
use crate::model::Versioned;
use crate::statement::columns::Holding;
use crate::transaction::is_alone;

/// A delete that `send` sends. Whether it changed a row.
pub(crate) fn delete_proven<M, C>(
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
    send: impl FnOnce(&mut C) -> QueryResult<usize>,
) -> Result<bool>
where
    M: Versioned,
    C: Store<M>,
{
    let write = Write { key, expected, next: None, alone: is_alone(conn) };
    judged(send(conn), write, conn)
}

/// A patch that proves this lease: the version that the row has then, or none when no row was changed.
pub(crate) fn patch_proven<M, Changes, C>(
    key: &M::Key,
    expected: &M::Version,
    changes: Changes,
    holding: Holding<'_>,
    conn: &mut C,
) -> Result<Option<M::Version>>
where
    M: Versioned,
    C: StoreChanges<M, Changes>,
{
    let next = outcome::next::<M>(key, expected)?;
    let alone = is_alone(conn);
    let rows = conn.__patch(changes, &next, key, expected, Some(holding));
    let written = judged(rows, Write { key, expected, next: Some(&next), alone }, conn)?;
    Ok(written.then_some(next))
}

fn judged<M, C>(rows: QueryResult<usize>, write: Write<'_, M>, conn: &mut C) -> Result<bool>
where
    M: Versioned,
    C: Store<M>,
{
    if let Ok(0) = rows {
        return Ok(false);
    }
    outcome::written(rows, write, conn).map(|()| true)
}

/// The conflict, of a write that changed no row although its lease was held.
pub(crate) fn missed<M, C>(key: &M::Key, expected: &M::Version, conn: &mut C) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    let alone = is_alone(conn);
    outcome::missed(Write { key, expected, next: None, alone }, conn)
}
