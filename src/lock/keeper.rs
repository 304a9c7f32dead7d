//! Keeping a lease alive while its holder is busy: a thread that renews it.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::columns::{ColumnLease, ColumnRenewal};
use super::lease::{Grant, Lease};
use super::renew::renew;
use super::request::invalid;
use super::store::LockStore;
use crate::error::{Error, LockLost, Loss, Result};
use crate::model::LockColumns;
use crate::retry::Source;

/// A thread that renews a lease until it is told to stop, the lease is released, dropped, or lost.
///
/// It has a connection of its own: that of the holder may be inside a transaction, and the thread does not
/// wait for it (on SQLite, for no longer than the busy timeout). A single connection that dies is not opened
/// anew, and without one nobody can be told of a loss: a pool serves better. A renewal that the database could not serve is tried again soon, and is no loss; a loss is a
/// definite answer, and is told at once, in the keeper's thread.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// # let other = documents_with_one_row();
/// use noclobber::lock::Keeper;
///
/// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
/// let keeper = Keeper::of(&lease).start(other, |lost| eprintln!("stop editing: {lost}"))?;
/// // … the work …
/// keeper.stop();
/// # lease.release(conn)
/// # }
/// ```
#[must_use = "a keeper that is dropped stops"]
pub struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A keeper before it starts.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// # use std::time::Duration;
/// # use noclobber::lock::Keeper;
/// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
/// let keeping = Keeper::of(&lease).every(Duration::from_secs(30));
/// # lease.release(conn)
/// # }
/// ```
#[must_use = "nothing is renewed before `start`"]
pub struct Keeping<R = TableRenewal> {
    renewal: R,
    interval: Duration,
}

/// How a lease is renewed through a connection of the type `C`.
///
/// Implemented for [`TableRenewal`], and for
/// [`ColumnRenewal`](super::columns::ColumnRenewal); there is nothing to implement here.
///
/// ```
/// use noclobber::lock::{Keeper, Keeping, Renewal};
///
/// fn keep<C, R>(keeping: Keeping<R>, conn: C) -> noclobber::Result<Keeper>
/// where
///     C: Send + 'static,
///     R: Renewal<C>,
/// {
///     keeping.start(conn, |lost| eprintln!("{lost}"))
/// }
/// ```
pub trait Renewal<C>: HasGrant + Send + 'static {
    #[doc(hidden)]
    fn __renew(&self, conn: &mut C) -> Result<()>;
}

/// What is renewed.
#[doc(hidden)]
pub trait HasGrant {
    fn __grant(&self) -> &Grant;
}

/// How a lease in the table `locks` is renewed.
///
/// ```
/// use noclobber::lock::{Keeper, Keeping, Lease, TableRenewal};
///
/// fn keeping(lease: &Lease) -> Keeping<TableRenewal> {
///     Keeper::of(lease)
/// }
/// ```
pub struct TableRenewal(Arc<Grant>);

impl<C: LockStore> Renewal<C> for TableRenewal {
    fn __renew(&self, conn: &mut C) -> Result<()> {
        renew(&self.0, conn)
    }
}

impl HasGrant for TableRenewal {
    fn __grant(&self) -> &Grant {
        &self.0
    }
}

impl fmt::Debug for TableRenewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableRenewal").finish_non_exhaustive()
    }
}

impl Keeper {
    /// A keeper of this lease, that renews it four times in its time to live.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// # use noclobber::lock::Keeper;
    /// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// let keeping = Keeper::of(&lease);
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn of(lease: &Lease) -> Keeping {
        Keeping::of(TableRenewal(Arc::clone(&lease.grant)))
    }

    /// The same for a lease in [columns](super::columns) of its record.
    ///
    /// ```
    /// # include!("../doctest_notes.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut notes_with_one_row();
    /// # let other = notes_with_one_row();
    /// use noclobber::lock::Keeper;
    ///
    /// let lease = Note::find(1, conn)?.lock_in_columns().owner("ann").acquire(conn)?;
    /// let keeper = Keeper::of_columns(&lease).start(other, |lost| eprintln!("{lost}"))?;
    /// keeper.stop();
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn of_columns<M: LockColumns>(lease: &ColumnLease<M>) -> Keeping<ColumnRenewal<M>> {
        Keeping::of(lease.renewal())
    }

    /// Stops it, and waits until it has.
    ///
    /// ```
    /// # fn done(keeper: noclobber::lock::Keeper) {
    /// keeper.stop();
    /// # }
    /// ```
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        // What is called when the lease is lost may end its keeper: it runs in the thread itself.
        let other = |thread: &JoinHandle<()>| thread.thread().id() != std::thread::current().id();
        if let Some(thread) = self.thread.take().filter(other) {
            // A panic in it was the callback's, and was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl<R: HasGrant> Keeping<R> {
    fn of(renewal: R) -> Self {
        let interval = renewal.__grant().ttl / 4;
        Keeping { renewal, interval }
    }

    /// How often it renews. At least three times in the time to live.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn keep(keeping: noclobber::lock::Keeping) {
    /// let keeping = keeping.every(Duration::from_secs(10));
    /// # }
    /// ```
    pub fn every(self, interval: Duration) -> Self {
        Keeping { interval, ..self }
    }

    /// Starts it. `lost` is called in its thread, at most once, and not after the lease was released.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLock`] when the interval is zero, or more than a third of the time to live;
    /// [`Error::NoThread`] when the system gives none.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// # let other = documents_with_one_row();
    /// # use noclobber::lock::Keeper;
    /// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let keeper = Keeper::of(&lease).start(other, move |lost| drop(tell.send(lost)))?;
    /// assert!(told.try_recv().is_err());
    /// # drop(keeper);
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn start<C>(self, conn: C, lost: impl FnOnce(LockLost) + Send + 'static) -> Result<Keeper>
    where
        C: Send + 'static,
        R: Renewal<C>,
    {
        let mut conn = conn;
        self.run(lost, move |renewal| renewal.__renew(&mut conn))
    }

    /// [`start`](Self::start) with a pool, of which it takes a connection for each renewal.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # #[cfg(feature = "r2d2")]
    /// # mod example {
    /// # use diesel::{SqliteConnection, r2d2::{ConnectionManager, Pool}};
    /// # use noclobber::lock::{Keeper, Lease};
    /// fn keep(lease: &Lease, pool: Pool<ConnectionManager<SqliteConnection>>)
    ///     -> noclobber::Result<Keeper> {
    ///     Keeper::of(lease).start_with_pool(pool, |lost| eprintln!("{lost}"))
    /// }
    /// # }
    /// ```
    pub fn start_with_pool<P, C>(
        self,
        pool: P,
        lost: impl FnOnce(LockLost) + Send + 'static,
    ) -> Result<Keeper>
    where
        P: Send + 'static,
        for<'p> &'p P: Source<Conn = C>,
        R: Renewal<C>,
    {
        self.run(lost, move |renewal| (&pool).with(|conn| renewal.__renew(conn))?)
    }

    fn run(
        self,
        lost: impl FnOnce(LockLost) + Send + 'static,
        mut renew: impl FnMut(&R) -> Result<()> + Send + 'static,
    ) -> Result<Keeper>
    where
        R: Send + 'static,
    {
        let Keeping { renewal, interval } = self;
        if interval.is_zero() || interval > renewal.__grant().ttl / 3 {
            return Err(invalid(
                "a keeper renews at least three times in the ttl, and less often than always",
            ));
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let keep = move || {
            let mut pause = interval;
            loop {
                match stopped.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) if !renewal.__grant().is_over() => {}
                    _ => return,
                }
                match renew(&renewal) {
                    Ok(()) => pause = interval,
                    Err(Error::LockLost(it)) if it.loss() == Loss::Released => return,
                    Err(Error::LockLost(it)) => return lost(it),
                    // The database is busy: nothing is lost by that.
                    Err(_) => pause = (interval / 4).max(Duration::from_millis(1)),
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("noclobber keeper".to_owned())
            .spawn(keep)
            .map_err(Error::NoThread)?;
        Ok(Keeper { stop: Some(stop), thread: Some(thread) })
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Keeping<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping").field("interval", &self.interval).finish_non_exhaustive()
    }
}
