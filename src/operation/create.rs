//! `create`: an insert, and the row as the database made it.

use super::find;
use super::outcome;
use super::store::{Inserted, Store, StoreRow};
use crate::error::{Error, Result};
use crate::model::Versioned;
use crate::transaction::of_statements;

pub(super) fn create<M, New, C>(new: New, conn: &mut C) -> Result<M>
where
    M: Versioned,
    C: StoreRow<M, New>,
{
    // A savepoint where a transaction is open: a caller who goes on after an error in the second
    // statement does not commit the row that it was told nothing of.
    of_statements(conn, |conn| inserted(new, conn))
}

pub(super) fn create_with<M, New, C>(key: &M::Key, new: New, conn: &mut C) -> Result<M>
where
    M: Versioned,
    C: StoreRow<M, New>,
{
    of_statements(conn, |conn| inserted_with(key, new, conn))
}

/// The statements of [`create`], in whatever transaction is open.
pub(super) fn inserted<M, New, C>(new: New, conn: &mut C) -> Result<M>
where
    M: Versioned,
    C: StoreRow<M, New>,
{
    match conn.__insert(new, initial::<M>())? {
        Inserted::Row(key) => created(&key, conn),
        Inserted::RowOfUnknownKey => Err(Error::KeyUnknown { table: M::TABLE }),
        Inserted::Nothing => Err(not_created::<M>()),
    }
}

/// Those of [`create_with`].
pub(super) fn inserted_with<M, New, C>(key: &M::Key, new: New, conn: &mut C) -> Result<M>
where
    M: Versioned,
    C: StoreRow<M, New>,
{
    match conn.__insert_known(new, initial::<M>())? {
        0 => Err(not_created::<M>()),
        _ => created(key, conn),
    }
}

fn initial<M: Versioned>() -> M::Version {
    M::__initial_version(&outcome::clock::<M>())
}

/// The row as defaults and triggers have made it.
pub(super) fn created<M: Versioned, C: Store<M>>(key: &M::Key, conn: &mut C) -> Result<M> {
    find::present(key, conn)?.ok_or_else(not_created::<M>)
}

fn not_created<M: Versioned>() -> Error {
    Error::NotCreated { table: M::TABLE }
}
