//! What leases have in common, wherever they are kept: in the table `locks`, or in columns of the record.

use std::ops::Deref;
use std::time::Duration;

use super::acquire::within;
use super::columns::{ColumnLease, ColumnRequest};
use super::freshness::Freshness;
use super::lease::Lease;
use super::request::LockRequest;
use super::store::{LockStore, StoreLocked};
use crate::error::Result;
use crate::lease::LockInfo;
use crate::model::{LockColumns, Versioned};
use crate::operation::StoreChanges;
use crate::retry::Source;

/// A lease that is asked for, wherever it is kept.
///
/// Implemented for [`LockRequest`] and [`ColumnRequest`]; there is nothing to implement here. Code that
/// does not care names it:
///
/// ```
/// # include!("../doctest_notes.rs");
/// use noclobber::lock::{Acquire, Held, Proves, StoreLocked};
///
/// fn publish<C, R>(note: &Note, request: &R, conn: &mut C) -> noclobber::Result<Note>
/// where
///     C: StoreLocked<Note>,
///     R: Acquire<C, Lease: Proves<Note, C>>,
/// {
///     let lease = request.acquire(conn)?;
///     let note = Note { text: "Published".into(), ..note.clone() }.save_locked(&lease, conn)?;
///     lease.release(conn)?;
///     Ok(note)
/// }
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut notes_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// let note = Note::find(1, conn)?;
/// let note = publish(&note, &note.lock().owner("ann"), conn)?;
/// let note = publish(&note, &note.lock_in_columns().owner("ann"), conn)?;
/// # assert_eq!(note.version, 3);
/// # Ok(())
/// # }
/// ```
pub trait Acquire<C> {
    /// What is held then.
    type Lease: Held<C>;

    /// Takes the lease, or says who has it.
    ///
    /// # Errors
    ///
    /// See [`LockRequest::acquire`] and [`ColumnRequest::acquire`].
    ///
    /// ```
    /// use noclobber::lock::Acquire;
    ///
    /// fn take<C, R: Acquire<C>>(request: &R, conn: &mut C) -> noclobber::Result<R::Lease> {
    ///     request.acquire(conn)
    /// }
    /// ```
    fn acquire(&self, conn: &mut C) -> Result<Self::Lease>;

    /// The same, again and again until the lease is to be had or the time is over.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire); that of the last attempt when the time is over.
    ///
    /// ```
    /// use noclobber::lock::{Acquire, LockStore};
    /// use std::time::Duration;
    ///
    /// fn wait<C: LockStore, R: Acquire<C>>(request: &R, conn: &mut C) -> noclobber::Result<R::Lease> {
    ///     request.acquire_within(Duration::from_secs(5), conn)
    /// }
    /// ```
    fn acquire_within<S>(&self, timeout: Duration, source: S) -> Result<Self::Lease>
    where
        S: Source<Conn = C>,
        C: LockStore,
    {
        within(timeout, source, |conn| self.acquire(conn))
    }
}

/// A lease that is held, wherever it is kept.
///
/// Implemented for [`Lease`] and [`ColumnLease`]; there is nothing to implement here.
///
/// ```
/// use noclobber::lock::Held;
///
/// fn keep<C>(lease: &mut impl Held<C>, conn: &mut C) -> noclobber::Result<()> {
///     if lease.is_trusted() { lease.renew(conn) } else { Ok(()) }
/// }
/// ```
pub trait Held<C> {
    /// Holds the lease for another time to live from now on.
    ///
    /// # Errors
    ///
    /// See [`Lease::renew`] and [`ColumnLease::renew`].
    ///
    /// ```
    /// use noclobber::lock::Held;
    ///
    /// fn keep<C>(lease: &mut impl Held<C>, conn: &mut C) -> noclobber::Result<()> {
    ///     lease.renew(conn)
    /// }
    /// ```
    fn renew(&mut self, conn: &mut C) -> Result<()>;

    /// Gives the lease back.
    ///
    /// # Errors
    ///
    /// See [`Lease::release`] and [`ColumnLease::release`].
    ///
    /// ```
    /// use noclobber::lock::Held;
    ///
    /// fn done<C>(lease: impl Held<C>, conn: &mut C) -> noclobber::Result<()> {
    ///     lease.release(conn)
    /// }
    /// ```
    fn release(self, conn: &mut C) -> Result<()>
    where
        Self: Sized;

    /// Whether the lease is still this holder's, as far as can be told without asking.
    ///
    /// ```
    /// # fn tell<C>(lease: &impl noclobber::lock::Held<C>) {
    /// println!("{}", lease.is_trusted());
    /// # }
    /// ```
    fn is_trusted(&self) -> bool;

    /// The lease as it was when it was taken or last renewed.
    ///
    /// ```
    /// # fn tell<C>(lease: &impl noclobber::lock::Held<C>) {
    /// println!("until {}", lease.info().expires_at());
    /// # }
    /// ```
    fn info(&self) -> LockInfo;

    /// The number of the grant: it grows with every new holder of the record.
    ///
    /// ```
    /// # fn tell<C>(lease: &impl noclobber::lock::Held<C>) {
    /// println!("{}", lease.fence());
    /// # }
    /// ```
    fn fence(&self) -> i64;
}

/// A lease that a write of `M` can prove: what [`save_locked`](super::LockDsl::save_locked) and its
/// companions take.
///
/// Implemented for [`Lease`], for the [`ColumnLease`] of the same model, and for what points to one of
/// them; there is nothing to implement here.
///
/// ```
/// # include!("../doctest_notes.rs");
/// use noclobber::lock::{Proves, StoreLocked};
///
/// fn publish<C, L>(note: Note, lease: &L, conn: &mut C) -> noclobber::Result<Note>
/// where
///     C: StoreLocked<Note>,
///     L: Proves<Note, C>,
/// {
///     Note { text: "Published".into(), ..note }.save_locked(lease, conn)
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "a write of `{M}` cannot prove `{Self}`",
    label = "not a lease on a record of `{M}`",
    note = "give a `Lease`, from `lock()`, or a `ColumnLease` of the same model, from `lock_in_columns()`"
)]
pub trait Proves<M: Versioned, C> {
    #[doc(hidden)]
    fn __save(&self, model: M, conn: &mut C) -> Result<M>;

    #[doc(hidden)]
    fn __delete(&self, model: M, conn: &mut C) -> Result<()>;

    #[doc(hidden)]
    fn __patch<Changes>(
        &self,
        key: M::Key,
        expected: M::Version,
        changes: Changes,
        conn: &mut C,
    ) -> Result<M::Version>
    where
        C: StoreChanges<M, Changes>;
}

/// A guard that holds a lease (a pooled one, a `Box`, an `Arc`) proves it.
#[diagnostic::do_not_recommend]
impl<M, C, Pointer> Proves<M, C> for Pointer
where
    M: Versioned,
    Pointer: Deref<Target: Proves<M, C>>,
{
    fn __save(&self, model: M, conn: &mut C) -> Result<M> {
        (**self).__save(model, conn)
    }

    fn __delete(&self, model: M, conn: &mut C) -> Result<()> {
        (**self).__delete(model, conn)
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
        (**self).__patch(key, expected, changes, conn)
    }
}

impl<C: LockStore, F: Freshness<C>> Acquire<C> for LockRequest<F> {
    type Lease = Lease;

    fn acquire(&self, conn: &mut C) -> Result<Lease> {
        LockRequest::acquire(self, conn)
    }
}

impl<C: StoreLocked<M>, M: LockColumns> Acquire<C> for ColumnRequest<'_, M> {
    type Lease = ColumnLease<M>;

    fn acquire(&self, conn: &mut C) -> Result<ColumnLease<M>> {
        ColumnRequest::acquire(self, conn)
    }
}

impl<C: LockStore> Held<C> for Lease {
    fn renew(&mut self, conn: &mut C) -> Result<()> {
        Lease::renew(self, conn)
    }

    fn release(self, conn: &mut C) -> Result<()> {
        Lease::release(self, conn)
    }

    fn is_trusted(&self) -> bool {
        Lease::is_trusted(self)
    }

    fn info(&self) -> LockInfo {
        Lease::info(self)
    }

    fn fence(&self) -> i64 {
        Lease::fence(self)
    }
}

impl<C: StoreLocked<M>, M: LockColumns> Held<C> for ColumnLease<M> {
    fn renew(&mut self, conn: &mut C) -> Result<()> {
        ColumnLease::renew(self, conn)
    }

    fn release(self, conn: &mut C) -> Result<()> {
        ColumnLease::release(self, conn)
    }

    fn is_trusted(&self) -> bool {
        ColumnLease::is_trusted(self)
    }

    fn info(&self) -> LockInfo {
        ColumnLease::info(self)
    }

    fn fence(&self) -> i64 {
        ColumnLease::fence(self)
    }
}
