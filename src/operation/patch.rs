//! `patch`: a guarded UPDATE of the columns that the caller names.

use super::by_trigger;
use super::outcome::{self, Write};
use super::store::StoreChanges;
use crate::error::Result;
use crate::model::Versioned;
use crate::transaction::is_alone;

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
    if M::BY_TRIGGER {
        return by_trigger::write::<M, C>(key, expected, conn, |conn| {
            conn.__patch(changes, expected, key, expected, None)
        });
    }
    let next = outcome::next::<M>(key, expected)?;
    let alone = is_alone(conn);
    let rows = conn.__patch(changes, &next, key, expected, None);
    outcome::written(rows, Write { key, expected, next: Some(&next), alone }, conn)?;
    Ok(next)
}
