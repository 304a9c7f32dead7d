//! A lease in columns, in the hands of its holder.

use std::fmt;
use std::sync::Arc;

use super::row::{change, lost, read, refuse_open};
use crate::error::Result;
use crate::lease::LockInfo;
use crate::lock::StoreLocked;
use crate::lock::acquire::in_short;
use crate::lock::keeper::{HasGrant, Renewal};
use crate::lock::lease::{Began, Grant, Lease};
use crate::lock::request::milliseconds;
use crate::model::LockColumns;
use crate::statement::columns::{Change, RELEASE, RENEW, ReadColumns};
use crate::statement::lease::LeaseBind::{self, Number, Text};

/// A lease that is held, in columns of its record.
///
/// It is of its model's type, since it knows the record by its key and not by a text. There is one for
/// each grant, and it cannot be cloned. One that is dropped is left to expire.
///
/// ```
/// # include!("../../doctest_notes.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut notes_with_one_row();
/// use noclobber::lock::columns::ColumnLease;
///
/// let note = Note::find(1, conn)?;
/// let mut lease: ColumnLease<Note> = note.lock_in_columns().owner("ann").acquire(conn)?;
/// lease.renew(conn)?;
/// let note = Note { text: "Mine alone".into(), ..note }.save_locked(&lease, conn)?;
/// lease.release(conn)?;
/// # assert_eq!(note.version, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "a lease that is dropped stands in everybody's way until it expires"]
pub struct ColumnLease<M: LockColumns> {
    pub(super) key: M::Key,
    /// What its holder knows of it. Nothing of it is in the table.
    lease: Lease,
}

impl<M: LockColumns> ColumnLease<M> {
    pub(super) fn new(key: M::Key, lease: Lease) -> Self {
        ColumnLease { key, lease }
    }

    pub(super) fn grant(&self) -> &Grant {
        &self.lease.grant
    }

    /// What renews it from another thread.
    pub(in crate::lock) fn renewal(&self) -> ColumnRenewal<M> {
        ColumnRenewal { key: self.key.clone(), grant: Arc::clone(&self.lease.grant) }
    }

    /// Holds the lease for another time to live from now on.
    ///
    /// In a short transaction of its own: a `SELECT` of the columns that takes the row at once or not at
    /// all, an UPDATE of `locked_until` that compares token, fence and expiry, and another `SELECT`. A lease
    /// that has expired is not renewed, even when nobody took it: the record may have changed since. A
    /// guarded write can regain it.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`](crate::Error::LockLost) with who has it now;
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the database could not serve it: the lease
    /// is as good as it was; [`Error::LockInTransaction`](crate::Error::LockInTransaction) when a
    /// transaction is open.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let mut lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
    /// lease.renew(conn)?;
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn renew<C: StoreLocked<M>>(&mut self, conn: &mut C) -> Result<()> {
        renew::<M, C>(&self.key, self.grant(), conn)
    }

    /// Gives the lease back: one UPDATE that compares token and fence.
    ///
    /// With the record its lease has gone as well, so after a delete there is nothing to do and it is no
    /// error.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`](crate::Error::LockLost) when it was not this holder's any more;
    /// [`Error::LockInTransaction`](crate::Error::LockInTransaction) when a transaction is open. After any
    /// other error it is left to expire.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let note = Note::find(1, conn)?;
    /// note.lock_in_columns().owner("ann").acquire(conn)?.release(conn)?;
    /// note.lock_in_columns().owner("bob").acquire(conn)?.release(conn)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn release<C: StoreLocked<M>>(self, conn: &mut C) -> Result<()> {
        let grant = self.grant();
        refuse_open(grant.nested, conn)?;
        grant.end();
        let releasing = Change { texts: RELEASE, assigned: Vec::new(), compared: proof(grant) };
        if change::<M, C>(releasing, &self.key, None, conn)? {
            return Ok(());
        }
        match read::<M, C>(&self.key, conn)? {
            None => Ok(()),
            row => Err(lost::<M>(&self.key, grant, row)),
        }
    }

    /// Whether the lease is still this holder's, as far as can be told without asking: see
    /// [`Lease::is_trusted`].
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
    /// assert!(lease.is_trusted());
    /// # lease.release(conn)
    /// # }
    /// ```
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.lease.is_trusted()
    }

    /// The lease as it was when it was taken or last renewed. What the columns do not keep is not there:
    /// note, version, deadline; and its renewals are not counted.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
    /// assert_eq!((lease.info().entity(), lease.info().record()), ("notes", "1"));
    /// assert_eq!(lease.info().since(), None);
    /// # lease.release(conn)
    /// # }
    /// ```
    #[must_use]
    pub fn info(&self) -> LockInfo {
        self.lease.info()
    }

    /// The number of the grant: it grows with every new holder of the record, for as long as the row is
    /// there.
    ///
    /// ```
    /// # include!("../../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// let note = Note::find(1, conn)?;
    /// let first = note.lock_in_columns().owner("ann").acquire(conn)?;
    /// let before = first.fence();
    /// first.release(conn)?;
    /// assert!(note.lock_in_columns().owner("ann").acquire(conn)?.fence() > before);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.lease.fence()
    }
}

/// How a [`Keeper`](crate::lock::Keeper) renews a lease in columns: by the key of its record.
///
/// ```
/// # include!("../../doctest_notes.rs");
/// use noclobber::lock::columns::ColumnRenewal;
/// use noclobber::lock::{Keeper, Keeping};
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut notes_with_one_row();
/// let lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
/// let keeping: Keeping<ColumnRenewal<Note>> = Keeper::of_columns(&lease);
/// # lease.release(conn)
/// # }
/// ```
pub struct ColumnRenewal<M: LockColumns> {
    key: M::Key,
    grant: Arc<Grant>,
}

impl<M: LockColumns, C: StoreLocked<M>> Renewal<C> for ColumnRenewal<M> {
    fn __renew(&self, conn: &mut C) -> Result<()> {
        renew::<M, C>(&self.key, &self.grant, conn)
    }
}

impl<M: LockColumns> HasGrant for ColumnRenewal<M> {
    fn __grant(&self) -> &Grant {
        &self.grant
    }
}

impl<M: LockColumns> fmt::Debug for ColumnRenewal<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnRenewal").finish_non_exhaustive()
    }
}

fn renew<M: LockColumns, C: StoreLocked<M>>(
    key: &M::Key,
    grant: &Grant,
    conn: &mut C,
) -> Result<()> {
    let began = Began::now();
    let row = in_short(grant.nested, conn, |conn| {
        // Who writes the record just now may be the holder, waiting for this thread; and the time is to be
        // that after any wait.
        let taken = conn.__read_columns(key, ReadColumns::TakenAtOnce)?.into_iter().next();
        let assigned = vec![Number(milliseconds(grant.ttl))];
        let renewing = Change { texts: RENEW, assigned, compared: proof(grant) };
        if taken.is_none() || !change::<M, C>(renewing, key, None, conn)? {
            return Err(lost::<M>(key, grant, taken));
        }
        match read::<M, C>(key, conn)? {
            Some(row) if row.belongs_to(grant.fence, &grant.token) => Ok(row),
            row => Err(lost::<M>(key, grant, row)),
        }
    });
    match row {
        Ok(row) => {
            grant.renewed(row, began);
            Ok(())
        }
        Err(error) => {
            grant.not_renewed(&error);
            Err(error)
        }
    }
}

/// What proves it.
fn proof(grant: &Grant) -> Vec<LeaseBind<'_>> {
    vec![Text(&grant.token), Number(grant.fence)]
}

/// Without the token, which is the holder's own.
impl<M: LockColumns> fmt::Debug for ColumnLease<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ColumnLease").field(&self.lease).finish()
    }
}
