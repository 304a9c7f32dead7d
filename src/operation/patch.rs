//! `patch`: a guarded UPDATE of the columns that the caller names.

use super::store::StoreChanges;
use super::{child, save};
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
    if M::HAS_ROOT {
        return child::patch::<M, Changes, C>(key, expected, changes, conn);
    }
    save::raised::<M, C>(key, expected, conn, |conn, next| {
        conn.__patch(changes, next, key, expected, None)
    })
}
