//! Writes that prove their lease: in their own transaction, together with the version.

use diesel::QueryResult;

use super::carry;
use super::columns::{self, ColumnRequest};
use super::lease::{Began, Grant, Lease};
use super::renew::{lost, prolong};
use super::request::{LockRequest, invalid, milliseconds};
use super::store::{LockStore, StoreLocked};
use super::{MyCopy, Proves};
use crate::backend::{self, Proof};
use crate::error::{Error, LockLost, Loss, Result};
use crate::key::Key;
use crate::lease::{LeaseRow, LockInfo};
use crate::model::{LockColumns, Versioned};
use crate::operation::{Store, StoreChanges, VersionedDsl, written_alone};
use crate::statement::lease::{HOLD, PEEK};
use crate::transaction::{depth, of_statements};
use crate::version::Version;

/// Leases on the records of a versioned model, and the writes that prove them.
///
/// Implemented for every [`Versioned`] model; bring it into scope with the
/// [`prelude`](crate::prelude).
///
/// A guarded write is refused, and writes nothing, unless the lease is this holder's at that moment:
/// its token and its fence are those of the lock's row, which stays as it is until commit. Time is not
/// relied on for that. A lease that has expired, and that nobody has taken since, is regained by the
/// write, if the record still has the version that is known under the lease: that of the model by which it
/// was asked for, or the one that its last guarded write has left behind.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// let document = Document::find(1, conn)?;
/// let lease = document.lock().owner("ann").acquire(conn)?;
/// let document = Document { title: "Mine alone".into(), ..document }.save_locked(&lease, conn)?;
/// document.delete_locked(&lease, conn)?;
/// # lease.release(conn)
/// # }
/// ```
pub trait LockDsl: VersionedDsl {
    /// Asks for a lease on this record. Nothing is sent before
    /// [`acquire`](super::LockRequest::acquire).
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let document = Document::find(1, conn)?;
    /// let lease = document.lock().owner("ann").acquire(conn)?;
    /// # lease.release(conn)
    /// # }
    /// ```
    fn lock(&self) -> LockRequest<MyCopy<'_, Self>> {
        LockRequest::of(self)
    }

    /// Asks for a lease on this record that is kept in [columns] of it. Nothing is sent before
    /// [`acquire`](ColumnRequest::acquire).
    ///
    /// ```
    /// # include!("../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let note = Note::find(1, conn)?;
    /// let lease = note.lock_in_columns().owner("ann").acquire(conn)?;
    /// # lease.release(conn)
    /// # }
    /// ```
    fn lock_in_columns(&self) -> ColumnRequest<'_, Self>
    where
        Self: LockColumns,
    {
        ColumnRequest::of(self)
    }

    /// The lease that is kept in [columns] of the record with this key, if somebody holds it. Reads, and
    /// writes nothing.
    ///
    /// Also one that has expired and that nobody else has taken yet. Sends a `SELECT` of the columns; none
    /// as well when there is no such record.
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// ```
    /// # include!("../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
    /// assert_eq!(Note::inspect_columns(1, conn)?.unwrap().owner(), "ann");
    /// lease.release(conn)?;
    /// assert_eq!(Note::inspect_columns(1, conn)?, None);
    /// # Ok(())
    /// # }
    /// ```
    fn inspect_columns<C>(key: impl Into<Self::Key>, conn: &mut C) -> Result<Option<LockInfo>>
    where
        Self: LockColumns,
        C: StoreLocked<Self>,
    {
        columns::inspect::<Self, C>(&key.into(), conn)
    }

    /// [`save`](VersionedDsl::save), proving the lease.
    ///
    /// On PostgreSQL and SQLite one statement, that of `save` with a condition on the lock's row; only when
    /// it has changed no row, and on MySQL at once, the two are statements of one transaction: the row of
    /// the lock, held until commit, and then the UPDATE.
    ///
    /// For a child in an aggregate, always the statements of one transaction: the row of the lock, the root's
    /// version, and the UPDATE.
    ///
    /// With a lease in [columns], one statement on every database, in which it is regained as well:
    /// `UPDATE t SET …, locked_until = CASE … END WHERE id = ? AND version = ? AND lock_token = ? AND
    /// lock_fence = ?`; or, when the model is at another version than the one that is known under the lease,
    /// without that assignment and with `AND locked_until > …`.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`] with who, when and why; [`Error::InvalidLock`] when the lease is another
    /// record's; otherwise as [`save`](VersionedDsl::save). End the transaction then: on MySQL it goes on to
    /// hold the lock's row, and the new holder could not renew.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let document = Document::find(1, conn)?;
    /// let lease = document.lock().owner("ann").acquire(conn)?;
    /// let document = Document { title: "Final".into(), ..document }.save_locked(&lease, conn)?;
    /// assert_eq!(document.version, 2);
    /// # lease.release(conn)
    /// # }
    /// ```
    fn save_locked<C, L>(self, lease: &L, conn: &mut C) -> Result<Self>
    where
        C: StoreLocked<Self>,
        L: Proves<Self, C>,
    {
        lease.__save(self, conn)
    }

    /// [`delete`](VersionedDsl::delete), proving the lease. The lease stays, and is to be released.
    ///
    /// In one transaction: the row of the lock, held until commit, and then the DELETE. With a lease in
    /// [columns], the DELETE alone, which compares `lock_token` and `lock_fence`.
    ///
    /// # Errors
    ///
    /// As [`save_locked`](Self::save_locked).
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let document = Document::find(1, conn)?;
    /// let lease = document.lock().owner("ann").acquire(conn)?;
    /// document.delete_locked(&lease, conn)?;
    /// lease.release(conn)
    /// # }
    /// ```
    fn delete_locked<C, L>(self, lease: &L, conn: &mut C) -> Result<()>
    where
        C: StoreLocked<Self>,
        L: Proves<Self, C>,
    {
        lease.__delete(self, conn)
    }

    /// [`patch`](VersionedDsl::patch), proving the lease.
    ///
    /// In one transaction: the row of the lock, held until commit, and then the UPDATE. With a lease in
    /// [columns], the UPDATE alone, as for [`save_locked`](Self::save_locked).
    ///
    /// # Errors
    ///
    /// As [`save_locked`](Self::save_locked).
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// let version = Document::patch_locked(1, 1, documents::title.eq("Final"), &lease, conn)?;
    /// assert_eq!(version, 2);
    /// # lease.release(conn)
    /// # }
    /// ```
    fn patch_locked<Changes, C, L>(
        key: impl Into<Self::Key>,
        version: impl Into<Self::Version>,
        changes: Changes,
        lease: &L,
        conn: &mut C,
    ) -> Result<Self::Version>
    where
        C: StoreLocked<Self> + StoreChanges<Self, Changes>,
        L: Proves<Self, C>,
    {
        lease.__patch(key.into(), version.into(), changes, conn)
    }
}

impl<M: Versioned> LockDsl for M {}

impl<M: Versioned, C: StoreLocked<M>> Proves<M, C> for Lease {
    fn __save(&self, model: M, conn: &mut C) -> Result<M> {
        save(model, &self.grant, conn)
    }

    fn __delete(&self, model: M, conn: &mut C) -> Result<()> {
        let (key, expected) = (model.key(), model.version().text().into_owned());
        proven::<M, C, _>(&key, &expected, &self.grant, conn, |conn| model.delete(conn))
    }

    fn __patch<Changes>(
        &self,
        key: M::Key,
        version: M::Version,
        changes: Changes,
        conn: &mut C,
    ) -> Result<M::Version>
    where
        C: StoreChanges<M, Changes>,
    {
        let expected = version.text().into_owned();
        let patched = proven::<M, C, _>(&key.clone(), &expected, &self.grant, conn, |conn| {
            M::patch(key, version, changes, conn)
        })?;
        self.grant.knows(patched.text().into_owned());
        Ok(patched)
    }
}

fn save<M: Versioned, C: StoreLocked<M>>(model: M, grant: &Grant, conn: &mut C) -> Result<M> {
    let key = model.key();
    is_for::<M>(&key, grant)?;
    let model = match backend::dialect(conn).proof {
        // A trigger's version is read back, and a child's root is bumped, in a transaction.
        Proof::Within { before, condition } if !M::BY_TRIGGER && !M::HAS_ROOT => {
            let send = |model: &M, next: &M::Version, conn: &mut C| -> QueryResult<usize> {
                let proof = (before, condition);
                conn.__update_proven(model, next, &key, proof, &grant.tables, grant.proof())
            };
            let saved = written_alone(model, conn, send);
            match saved.map_err(|error| carry::of_missing_tables(error, &grant.tables))? {
                Ok(saved) => {
                    grant.knows(saved.version().text().into_owned());
                    return Ok(saved);
                }
                // No row: lost, expired, or stale. What follows finds out which, and may regain it.
                Err(model) => model,
            }
        }
        _ => model,
    };
    let expected = model.version().text().into_owned();
    let saved = proven::<M, C, _>(&key, &expected, grant, conn, |conn| model.save(conn))?;
    grant.knows(saved.version().text().into_owned());
    Ok(saved)
}

/// Proves the lease, writes, and regains the lease if it had run out, in one transaction.
fn proven<M, C, R>(
    key: &M::Key,
    expected: &str,
    grant: &Grant,
    conn: &mut C,
    write: impl FnOnce(&mut C) -> Result<R>,
) -> Result<R>
where
    M: Versioned,
    C: Store<M> + LockStore,
{
    is_for::<M>(key, grant)?;
    let began = Began::now();
    let answer = of_statements(conn, |conn| {
        let row = carry::lease(HOLD, &grant.tables, grant.place(), conn)?;
        match row.filter(|row| row.belongs_to(grant.fence, &grant.token)) {
            None => Err(Error::LockLost(lost(grant, conn)?)),
            Some(row) if row.lasts().is_some() => Ok((write(conn)?, None)),
            Some(row) => regain(expected, grant, &row, conn, write),
        }
    });
    if let Err(Error::LockLost(_)) = answer {
        grant.distrust();
    }
    let (written, regained) = answer?;
    // Not before it is committed: inside another transaction it may still be undone.
    if let Some(row) = regained
        && depth(conn)? == 0
    {
        grant.renewed(row, began);
    }
    Ok(written)
}

/// The lease has run out, and nobody has taken it. If the record is still as its holder knew it under the
/// lease, which the write itself finds out, no harm was done. A version that was loaded after somebody else
/// had written is another one.
fn regain<C: LockStore, R>(
    expected: &str,
    grant: &Grant,
    row: &LeaseRow,
    conn: &mut C,
    write: impl FnOnce(&mut C) -> Result<R>,
) -> Result<(R, Option<LeaseRow>)> {
    let until = row.now.saturating_add(milliseconds(grant.ttl));
    let until = until.min(row.deadline_at.unwrap_or(i64::MAX));
    if until <= row.now {
        let (entity, record) = (&grant.entity, &grant.record);
        let capped = LockLost::new(entity, record, grant.fence, Loss::Capped, None);
        return Err(Error::LockLost(capped));
    }
    if !grant.is_known(expected) {
        let (entity, record) = (&grant.entity, &grant.record);
        let expired = LockLost::new(entity, record, grant.fence, Loss::Expired, None);
        return Err(Error::LockLost(expired));
    }
    prolong(grant, until, 1, conn)?;
    let written = write(conn)?;
    Ok((written, carry::lease(PEEK, &grant.tables, grant.place(), conn)?))
}

fn is_for<M: Versioned>(key: &M::Key, grant: &Grant) -> Result<()> {
    let record = key.text();
    if grant.entity == M::TABLE && grant.record == record {
        return Ok(());
    }
    let (entity, other) = (&grant.entity, &grant.record);
    Err(invalid(&format!("the lease is on {entity} {other}, and not on {} {record}", M::TABLE)))
}
