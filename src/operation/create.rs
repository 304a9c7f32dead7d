//! `create`: an insert, and the row as the database made it.

use super::find;
use super::outcome;
use super::store::StoreNew;
use crate::error::{Error, Result};
use crate::model::Versioned;
use crate::transaction::transaction;

pub(super) fn create<M, New, C>(new: New, conn: &mut C) -> Result<M>
where
    M: Versioned,
    C: StoreNew<M, New>,
{
    let initial = M::__initial_version(&outcome::clock::<M>());
    let not_created = || Error::NotCreated { table: M::TABLE };
    // A savepoint where a transaction is open: a caller who goes on after an error in the second
    // statement does not commit the row that it was told nothing of.
    transaction(conn, |conn| {
        let key = conn.__insert(new, initial)?.ok_or_else(not_created)?;
        find::present(&key, conn)?.ok_or_else(not_created)
    })
}
