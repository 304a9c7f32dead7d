//! The columns of a lease: what they say, and what to conclude when a change of them changed nothing.

use crate::error::{Error, LockLost, Loss, Reason, Result};
use crate::key::Key;
use crate::lease::{LeaseRow, LockInfo};
use crate::lock::lease::Grant;
use crate::lock::store::StoreLocked;
use crate::model::{LockColumns, record};
use crate::retry::Nested;
use crate::statement::columns::{Change, ReadColumns};
use crate::transaction::{depth, is_alone};

/// The columns as they are now; none without the record.
pub(super) fn read<M, C>(key: &M::Key, conn: &mut C) -> Result<Option<LeaseRow>>
where
    M: LockColumns,
    C: StoreLocked<M>,
{
    // What a transaction has seen once it may see again, although it is past.
    let how = if depth(conn)? > 0 { ReadColumns::Present } else { ReadColumns::Plainly };
    Ok(conn.__read_columns(key, how)?.into_iter().next())
}

/// The lease on a record, if somebody holds it.
pub(in crate::lock) fn inspect<M, C>(key: &M::Key, conn: &mut C) -> Result<Option<LockInfo>>
where
    M: LockColumns,
    C: StoreLocked<M>,
{
    let row = conn.__read_columns(key, ReadColumns::Plainly)?.into_iter().next();
    Ok(row.filter(|row| row.token.is_some()).map(|row| row.info_for(None)))
}

/// Sends a change. Whether it was made.
///
/// At the higher isolation levels a lone change that met another one is refused with an error, where it
/// would have changed nothing at READ COMMITTED: to look tells more.
pub(super) fn change<M, C>(
    change: Change<'_>,
    key: &M::Key,
    expected: Option<&M::Version>,
    conn: &mut C,
) -> Result<bool>
where
    M: LockColumns,
    C: StoreLocked<M>,
{
    let alone = is_alone(conn);
    match conn.__change_columns(change, key, expected) {
        Ok(0) => Ok(false),
        Ok(1) => Ok(true),
        Ok(rows) => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
        Err(error) => match crate::backend::reason(&error) {
            Some(Reason::Serialization | Reason::Deadlock) if alone => Ok(false),
            _ => Err(error.into()),
        },
    }
}

pub(super) fn refuse_open<C: diesel::Connection>(nested: Nested, conn: &mut C) -> Result<()> {
    if nested == Nested::Refuse && depth(conn)? > 0 {
        return Err(Error::LockInTransaction);
    }
    Ok(())
}

/// Why a lease is no longer its holder's, as far as its columns tell.
pub(super) fn lost<M: LockColumns>(key: &M::Key, grant: &Grant, row: Option<LeaseRow>) -> Error {
    let (loss, by) = match row {
        // A guarded write may still regain it.
        Some(row) if row.belongs_to(grant.fence, &grant.token) => (Loss::Expired, None),
        Some(row) if row.token.is_some() => (Loss::HeldByAnother, row.owner),
        // Who breaks a lease raises its fence, and so does who takes it.
        Some(row) if row.fence == grant.fence => (Loss::Released, None),
        _ => (Loss::Unknown, None),
    };
    let lost = LockLost::new(M::TABLE, &key.text(), grant.fence, loss, None);
    Error::LockLost(lost.taken_by(by))
}
