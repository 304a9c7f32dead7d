//! Writes that prove a lease in columns: one statement each.

use diesel::QueryResult;

use super::lease::ColumnLease;
use super::row::{lost, read};
use crate::backend;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::lock::lease::Began;
use crate::lock::request::{invalid, milliseconds};
use crate::lock::{Proves, StoreLocked};
use crate::model::LockColumns;
use crate::operation::{StoreChanges, delete_proven, missed, patch_proven, written_alone};
use crate::statement::columns::Holding;
use crate::transaction::depth;
use crate::version::Version;

impl<M: LockColumns, C: StoreLocked<M>> Proves<M, C> for ColumnLease<M> {
    fn __save(&self, model: M, conn: &mut C) -> Result<M> {
        let key = model.key();
        self.is_for(&key)?;
        let holding = self.holding(model.version(), conn);
        let send = |model: &M, next: &M::Version, conn: &mut C| -> QueryResult<usize> {
            conn.__save_holding(model, next, &key, holding)
        };
        let began = Began::now();
        let saved = written_alone(model, conn, send)?
            .or_else(|model| self.refused(model.version(), conn))?;
        self.written(saved.version(), began, conn);
        Ok(saved)
    }

    fn __delete(&self, model: M, conn: &mut C) -> Result<()> {
        let (key, expected) = (model.key(), model.version());
        self.is_for(&key)?;
        let holding = self.holding(expected, conn);
        let send = |conn: &mut C| conn.__delete_holding(&key, expected, holding);
        if delete_proven::<M, C>(&key, expected, conn, send)? {
            return Ok(());
        }
        self.refused(expected, conn)
    }

    fn __patch<Changes>(
        &self,
        key: M::Key,
        expected: M::Version,
        changes: Changes,
        conn: &mut C,
    ) -> Result<M::Version>
    where
        C: StoreChanges<M, Changes>,
    {
        self.is_for(&key)?;
        let holding = self.holding(&expected, conn);
        let began = Began::now();
        match patch_proven::<M, Changes, C>(&key, &expected, changes, holding, conn)? {
            Some(next) => {
                self.written(&next, began, conn);
                Ok(next)
            }
            None => self.refused(&expected, conn),
        }
    }
}

impl<M: LockColumns> ColumnLease<M> {
    /// What has run out is regained for the version that is known under the lease, and no other.
    fn holding<C: StoreLocked<M>>(&self, expected: &M::Version, conn: &mut C) -> Holding<'_> {
        let grant = self.grant();
        Holding {
            token: &grant.token,
            fence: grant.fence,
            regain: grant.is_known(&expected.text()).then(|| milliseconds(grant.ttl)),
            dialect: backend::dialect(conn),
        }
    }

    /// The handle is told what a write has left behind, and of a lease that was not trusted any more that it
    /// was regained, if it was. But not inside a transaction, which may still undo that.
    fn written<C: StoreLocked<M>>(&self, version: &M::Version, began: Began, conn: &mut C) {
        let grant = self.grant();
        grant.knows(version.text().into_owned());
        if grant.is_trusted() || depth(conn).is_ok_and(|depth| depth > 0) {
            return;
        }
        let row = read::<M, C>(&self.key, conn).ok().flatten();
        if let Some(row) = row.filter(|row| row.belongs_to(grant.fence, &grant.token)) {
            grant.renewed(row, began);
        }
    }

    /// Why a write changed no row: the lease was lost, or has run out for a version that is not the known
    /// one; or, if neither, the record has changed.
    fn refused<R, C: StoreLocked<M>>(&self, expected: &M::Version, conn: &mut C) -> Result<R> {
        let grant = self.grant();
        match read::<M, C>(&self.key, conn)? {
            Some(row)
                if !row.belongs_to(grant.fence, &grant.token)
                    || (row.lasts().is_none() && !grant.is_known(&expected.text())) =>
            {
                grant.distrust();
                Err(lost::<M>(&self.key, grant, Some(row)))
            }
            // Without the record there is no lease, but that is not why.
            _ => Err(missed::<M, C>(&self.key, expected, conn)),
        }
    }

    fn is_for(&self, key: &M::Key) -> Result<()> {
        if self.key == *key {
            return Ok(());
        }
        let (table, mine, other) = (M::TABLE, self.key.text(), key.text());
        let why = format!("the lease is on {table} {mine}, and not on {table} {other}");
        Err::<(), Error>(invalid(&why))
    }
}
