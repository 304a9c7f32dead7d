//! What a lease in columns is asked for with, and taking it.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::lease::ColumnLease;
use super::row::{change, read, refuse_open};
use crate::error::{Error, LockHeld, Result};
use crate::lease::{LeaseRow, LockInfo};
use crate::lock::acquire::{ROUNDS, somebody_was_faster, within};
use crate::lock::lease::{Began, Lease};
use crate::lock::request::{self, LockRequest, milliseconds};
use crate::lock::{MyCopy, StoreLocked, carry};
use crate::model::{LockColumns, record};
use crate::operation::is_current;
use crate::retry::{Nested, Source};
use crate::statement::columns::{Change, TAKE};
use crate::statement::lease::LeaseBind::{Number, Text};
use crate::transaction::depth;

/// A lease in columns of the record that is asked for, and what with.
///
/// It has what the columns can keep: there is no session, note or cap. Like a
/// [`LockRequest`] it carries the token by which the holder is known, so that asking again with the same
/// request is the same holder. A clone of it is another one.
///
/// ```
/// # include!("../../doctest_notes.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut notes_with_one_row();
/// use std::time::Duration;
///
/// let lease = Note::find(1, conn)?
///     .lock_in_columns()
///     .owner("ann@example.org")
///     .ttl(Duration::from_secs(10 * 60))
///     .refuse_if_stale()
///     .acquire(conn)?;
/// # lease.release(conn)
/// # }
/// ```
#[must_use = "nothing is locked before `acquire`"]
pub struct ColumnRequest<'m, M: LockColumns> {
    request: LockRequest<MyCopy<'m, M>>,
}

// By hand: the model need not be one that can be copied.
impl<M: LockColumns> Clone for ColumnRequest<'_, M> {
    fn clone(&self) -> Self {
        ColumnRequest { request: self.request.clone() }
    }
}

impl<'m, M: LockColumns> ColumnRequest<'m, M> {
    pub(crate) fn of(model: &'m M) -> Self {
        ColumnRequest { request: LockRequest::of(model) }
    }

    /// Who asks: a person's name or id, a program's. 1 to 255 bytes.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() {
    /// # let note = Note::find(1, &mut notes_with_one_row()).unwrap();
    /// let request = note.lock_in_columns().owner("ann");
    /// # }
    /// ```
    pub fn owner(self, owner: impl Into<String>) -> Self {
        ColumnRequest { request: self.request.owner(owner) }
    }

    /// How long the lease lasts unless it is renewed: 5 minutes by default. From a millisecond to 366
    /// days.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() {
    /// # let note = Note::find(1, &mut notes_with_one_row()).unwrap();
    /// let request = note.lock_in_columns().owner("ann").ttl(std::time::Duration::from_secs(60));
    /// # }
    /// ```
    pub fn ttl(self, ttl: Duration) -> Self {
        ColumnRequest { request: self.request.ttl(ttl) }
    }

    /// What to do inside a transaction that is open already: refuse, or, for hosts whose tests run in
    /// one, go on.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// use noclobber::retry::Nested;
    ///
    /// # fn main() {
    /// # let note = Note::find(1, &mut notes_with_one_row()).unwrap();
    /// let request = note.lock_in_columns().owner("ann").nested(Nested::RunOnce);
    /// # }
    /// ```
    pub fn nested(self, nested: Nested) -> Self {
        ColumnRequest { request: self.request.nested(nested) }
    }

    /// Refuses the lease when the copy of the record in hand is stale already.
    ///
    /// Adds `AND version = ?` to the UPDATE; when that changes no row, sends the `SELECT version` of a
    /// look as well.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let stale = Note::find(1, conn)?;
    /// stale.clone().touch(conn)?;
    /// let refused = stale.lock_in_columns().owner("ann").refuse_if_stale().acquire(conn);
    /// assert!(refused.unwrap_err().is_conflict());
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_if_stale(self) -> Self {
        ColumnRequest { request: self.request.refuse_if_stale() }
    }

    /// Takes the lease, or says who has it.
    ///
    /// Three statements, each alone: a `SELECT` of the columns, after which a record that somebody holds
    /// is left alone; `UPDATE t SET lock_fence = …, locked_by = ?, locked_until = …, lock_token = ?
    /// WHERE id = ? AND (lock_token IS NULL OR lock_token = ? OR locked_until IS NULL OR locked_until <=
    /// …)`; and the `SELECT` again, which tells the fence, or who was faster. (On MySQL, the clock is asked
    /// first whether it runs.) It waits for a transaction that is writing the record just now, and for
    /// nothing else. Asked again with the same request, after an answer was lost, it is the same grant,
    /// which lasts from then on.
    ///
    /// # Errors
    ///
    /// [`Error::LockHeld`]; [`Error::NotFound`] without the record; [`Error::InvalidLock`] for what does
    /// not fit, before anything is sent; [`Error::ConcurrentModification`] when the copy in hand
    /// [has to be fresh](Self::refuse_if_stale) and is not; [`Error::LockInTransaction`] when a transaction
    /// is open; [`Error::FrozenClock`] on a MySQL that runs with `--sysdate-is-now`; and those of the
    /// database.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
    /// assert_eq!((lease.info().owner(), lease.fence()), ("ann", 1));
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn acquire<C: StoreLocked<M>>(&self, conn: &mut C) -> Result<ColumnLease<M>> {
        let LockRequest { holder, token, ttl, nested, copy, tables, .. } = &self.request;
        request::within("the owner", &holder.owner, 1, request::NAME)?;
        request::duration("the ttl", *ttl)?;
        refuse_open(*nested, conn)?;
        carry::refuse_frozen_clock(tables, conn)?;

        let key = copy.model.key();
        let expected = copy.must_be_fresh.then(|| copy.model.version());
        let began = Began::now();
        let inside = depth(conn)? > 0;
        let mut taken = false;
        for round in 0..=ROUNDS {
            // An UPDATE that is going to match nothing may take the row all the same, from a holder who
            // renews. Inside a transaction the row is taken by the look as well.
            if round > 0 || !inside {
                let Some(row) = read::<M, C>(&key, conn)? else {
                    return Err(Error::NotFound(record::<M>(&key)));
                };
                let (mine, lasts) = (row.token.as_deref() == Some(token), row.lasts().is_some());
                // A database may have told the time before it waited for the row: then once more.
                if taken && mine && (lasts || round == ROUNDS) {
                    return Ok(self.granted(row, began));
                }
                if !mine && lasts {
                    let own_other_session = row.owner.as_deref() == Some(&*holder.owner);
                    let held = LockInfo::new(row, own_other_session);
                    return Err(Error::LockHeld(LockHeld::new(held)));
                }
                if round > 0 && copy.must_be_fresh {
                    is_current(copy.model, conn)?;
                }
            }
            let taking = Change {
                texts: TAKE,
                assigned: vec![
                    Text(token),
                    Text(&holder.owner),
                    Number(milliseconds(*ttl)),
                    Text(token),
                ],
                compared: vec![Text(token)],
            };
            taken = change::<M, C>(taking, &key, expected, conn)?;
        }
        Err(somebody_was_faster())
    }

    /// [`acquire`](Self::acquire), again and again until the lease is to be had or the time is over: as
    /// [`LockRequest::acquire_within`].
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire); that of the last attempt when the time is over.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// use std::time::Duration;
    ///
    /// let note = Note::find(1, conn)?;
    /// let _anns = note.lock_in_columns().owner("ann").ttl(Duration::from_millis(50)).acquire(conn)?;
    /// let request = note.lock_in_columns().owner("bob");
    /// let bobs = request.acquire_within(Duration::from_secs(5), &mut *conn)?;
    /// # bobs.release(conn)
    /// # }
    /// ```
    pub fn acquire_within<S>(&self, timeout: Duration, source: S) -> Result<ColumnLease<M>>
    where
        S: Source<Conn: StoreLocked<M>>,
    {
        within(timeout, source, |conn| self.acquire(conn))
    }

    pub(super) fn known_by(self, token: Uuid) -> Self {
        ColumnRequest { request: self.request.token(token) }
    }

    pub(super) fn token(&self) -> &str {
        &self.request.token
    }

    pub(super) fn ttl_asked(&self) -> Duration {
        self.request.ttl
    }

    /// The lease, as the columns tell it.
    pub(super) fn granted(&self, row: LeaseRow, began: Began) -> ColumnLease<M> {
        let key = self.request.copy.model.key();
        ColumnLease::new(key, Lease::new(row, &self.request, began))
    }
}

/// Without the token, which is the holder's secret.
impl<M: LockColumns> fmt::Debug for ColumnRequest<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ColumnRequest").field(&self.request).finish()
    }
}
