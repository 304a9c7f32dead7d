//! `patch`: a guarded UPDATE of the columns that the caller names.

use super::outcome;
use super::store::StoreChanges;
use crate::error::Result;
use crate::model::Versioned;

pub(super) fn patch<M, Changes, C>(
    key: &M::Key,
    expected: &M::Version,
    changes: Changes,
    conn: &mut C,
) -> Result<M::Version>
where
    M: Versioned,
    C: StoreChanges<M, Changes>,
{
    let next = outcome::next::<M>(key, expected)?;
    let rows = conn.__patch(changes, &next, key, expected);
    outcome::written(rows, key, expected, conn)?;
    Ok(next)
}
