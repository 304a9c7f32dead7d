//! Ending somebody else's lease, where it is kept in columns.

use super::lease::ColumnLease;
use super::request::ColumnRequest;
use super::row::{change, read, refuse_open};
use crate::error::{Error, OverrideRefused, Result};
use crate::key::Key;
use crate::lease::{LockInfo, LockTables};
use crate::lock::acquire::in_short;
use crate::lock::carry;
use crate::lock::lease::Began;
use crate::lock::overriding::next_fence;
use crate::lock::request::{NAME, TEXT, duration, invalid, milliseconds, within};
use crate::lock::{LockPolicy, Override, StoreLocked};
use crate::model::LockColumns;
use crate::statement::columns::{BREAK, Change, ReadColumns, STEAL};
use crate::statement::lease::LeaseBind::{Number, Text};

impl<P: LockPolicy> Override<P> {
    /// [`break_lock`](Self::break_lock) for a lease in [columns](crate::lock::columns) of this record.
    ///
    /// One UPDATE on the fence that was seen, which waits for a transaction that is writing the record just
    /// now. There is no history: the reason is required, for the policy
    /// of the house, and is kept by nobody. Who held the lease learns that it is gone, and not why
    /// ([`Loss::Unknown`](crate::error::Loss::Unknown)).
    ///
    /// # Errors
    ///
    /// [`Error::OverrideRefused`] when the policy says no, and when the lease is no longer the one that was
    /// seen; [`Error::InvalidLock`] without a reason, with a session or tables, which are no columns, and
    /// when what was seen is no lease in columns of this record; [`Error::LockInTransaction`] when a
    /// transaction is open.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// use noclobber::lock::Override;
    ///
    /// let note = Note::find(1, conn)?;
    /// let _left_open = note.lock_in_columns().owner("ann").acquire(conn)?;
    /// let seen = Note::inspect_columns(1, conn)?.unwrap();
    /// Override::by("ann").because("the other tab").break_in_columns(&note, &seen, conn)?;
    /// assert_eq!(Note::inspect_columns(1, conn)?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn break_in_columns<M, C>(&self, record: &M, seen: &LockInfo, conn: &mut C) -> Result<()>
    where
        M: LockColumns,
        C: StoreLocked<M>,
    {
        let key = record.key();
        self.check_columns::<M, C>(&key, seen, conn)?;
        let compared = vec![Number(seen.fence())];
        let breaking = Change { texts: BREAK, assigned: Vec::new(), compared };
        if change::<M, C>(breaking, &key, None, conn)? {
            return Ok(());
        }
        Err(self.is_another::<M, C>(&key, seen, conn)?)
    }

    /// [`steal`](Self::steal) for a lease in [columns](crate::lock::columns) of this record.
    ///
    /// In one short transaction: a `SELECT` of the columns that takes the row, an UPDATE on the fence that
    /// was seen, and another `SELECT`. As for [`break_in_columns`](Self::break_in_columns), the reason is
    /// kept by nobody. Who held the lease learns who has it now
    /// ([`Loss::HeldByAnother`](crate::error::Loss::HeldByAnother)). Asked again with the same value, after
    /// an answer was lost, it is the same grant.
    ///
    /// # Errors
    ///
    /// As [`break_in_columns`](Self::break_in_columns); [`Error::FrozenClock`] on a MySQL that runs with
    /// `--sysdate-is-now`.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// use noclobber::lock::Override;
    ///
    /// let note = Note::find(1, conn)?;
    /// let left_open = note.lock_in_columns().owner("ann").acquire(conn)?;
    /// let seen = Note::inspect_columns(1, conn)?.unwrap();
    /// let here = Override::by("ann").because("the other tab").steal_in_columns(&note, &seen, conn)?;
    /// assert!(here.fence() > left_open.fence());
    /// # here.release(conn)
    /// # }
    /// ```
    pub fn steal_in_columns<M, C>(
        &self,
        record: &M,
        seen: &LockInfo,
        conn: &mut C,
    ) -> Result<ColumnLease<M>>
    where
        M: LockColumns,
        C: StoreLocked<M>,
    {
        let request = ColumnRequest::of(record).owner(&self.actor).nested(self.nested);
        let request = request.known_by(self.token);
        let request = match self.ttl {
            Some(ttl) => request.ttl(ttl),
            None => request,
        };
        duration("the ttl", request.ttl_asked())?;
        let key = record.key();
        self.check_columns::<M, C>(&key, seen, conn)?;
        carry::refuse_frozen_clock(&self.tables, conn)?;

        let began = Began::now();
        let (token, ttl) = (request.token(), milliseconds(request.ttl_asked()));
        let stolen = in_short(self.nested, conn, |conn| {
            // The time is to be that after any wait.
            let now = conn.__read_columns(&key, ReadColumns::TakenInTurn)?.into_iter().next();
            if now.as_ref().is_some_and(|row| row.belongs_to(next_fence(seen), token)) {
                return Ok(now);
            }
            let stealing = Change {
                texts: STEAL,
                assigned: vec![Text(&self.actor), Number(ttl), Text(token)],
                compared: vec![Number(seen.fence())],
            };
            if change::<M, C>(stealing, &key, None, conn)? {
                read::<M, C>(&key, conn)
            } else {
                Ok(None)
            }
        })?;
        match stolen {
            Some(row) => Ok(request.granted(row, began)),
            None => Err(self.is_another::<M, C>(&key, seen, conn)?),
        }
    }

    fn check_columns<M, C>(&self, key: &M::Key, seen: &LockInfo, conn: &mut C) -> Result<()>
    where
        M: LockColumns,
        C: StoreLocked<M>,
    {
        within("the reason", &self.reason, 1, TEXT)?;
        within("the actor", &self.actor, 1, NAME)?;
        if self.session.is_some() || self.tables != LockTables::default() {
            return Err(invalid(
                "columns of the record keep no session, and are in no table of locks",
            ));
        }
        let record = key.text();
        if !seen.is_in_columns() || seen.entity() != M::TABLE || seen.record() != record {
            let why = format!("what was seen is no lease in columns of {} {record}", M::TABLE);
            return Err(invalid(&why));
        }
        refuse_open(self.nested, conn)?;
        if self.policy.may_override(&self.actor, seen) {
            return Ok(());
        }
        Err(Error::OverrideRefused(OverrideRefused::denied(&self.actor, seen)))
    }

    fn is_another<M, C>(&self, key: &M::Key, seen: &LockInfo, conn: &mut C) -> Result<Error>
    where
        M: LockColumns,
        C: StoreLocked<M>,
    {
        let now = read::<M, C>(key, conn)?.filter(|row| row.token.is_some());
        let now = now.map(|row| row.info_for(None));
        Ok(Error::OverrideRefused(OverrideRefused::changed(&self.actor, seen, now)))
    }
}
