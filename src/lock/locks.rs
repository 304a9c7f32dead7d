//! Leases that are given back when they are dropped: those taken through a pool.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use diesel::r2d2::{ManageConnection, Pool};

use super::freshness::Freshness;
use super::lease::Lease;
use super::renew::{release_at_once, renew};
use super::request::LockRequest;
use super::store::LockStore;
use crate::backend;
use crate::error::Result;
use crate::lease::LockTables;
use crate::retry::Source;
use crate::statement::lease::LeaseStatement;

/// Takes leases through a pool, and gives back those that are dropped.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # use diesel::r2d2::{ConnectionManager, Pool};
/// # let folder = tempfile::tempdir().unwrap();
/// # let url = folder.path().join("test.db").display().to_string();
/// # let pool = Pool::builder().max_size(2)
/// #     .build(ConnectionManager::<SqliteConnection>::new(url)).unwrap();
/// # noclobber::migrations::run(&mut pool.get().unwrap()).unwrap();
/// use noclobber::lock::{Lock, Locks};
///
/// let locks = Locks::new(pool);
/// let lease = locks.acquire(&Lock::on("reports", "2026").owner("nightly job"))?;
/// assert!(lease.is_trusted());
/// drop(lease);
/// locks.acquire(&Lock::on("reports", "2026").owner("daily job"))?.release()?;
/// # Ok(())
/// # }
/// ```
pub struct Locks<M: ManageConnection> {
    pool: Pool<M>,
}

impl<M: ManageConnection> Locks<M> {
    /// Through this pool.
    ///
    /// ```
    /// # use diesel::{SqliteConnection, r2d2::{ConnectionManager, Pool}};
    /// # fn locks(pool: Pool<ConnectionManager<SqliteConnection>>) {
    /// let locks = noclobber::lock::Locks::new(pool);
    /// # }
    /// ```
    #[must_use]
    pub fn new(pool: Pool<M>) -> Self {
        Locks { pool }
    }
}

impl<M: ManageConnection<Connection: LockStore>> Locks<M> {
    /// [`acquire`](LockRequest::acquire), by a connection of the pool.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Unavailable`](crate::Error::Unavailable) when the pool has no connection.
    ///
    /// ```
    /// # use diesel::{SqliteConnection, r2d2::ConnectionManager};
    /// # use noclobber::lock::{Lock, Locks};
    /// # fn take(locks: Locks<ConnectionManager<SqliteConnection>>) -> noclobber::Result<()> {
    /// let lease = locks.acquire(&Lock::on("reports", "2026").owner("nightly job"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn acquire<F>(&self, request: &LockRequest<F>) -> Result<PooledLease<M>>
    where
        F: Freshness<M::Connection>,
    {
        let lease = (&self.pool).with(|conn| request.acquire(conn))??;
        Ok(self.holding(lease))
    }

    /// [`acquire_within`](LockRequest::acquire_within), by connections of the pool.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::{SqliteConnection, r2d2::ConnectionManager};
    /// # use noclobber::lock::{Lock, Locks};
    /// # fn take(locks: Locks<ConnectionManager<SqliteConnection>>) -> noclobber::Result<()> {
    /// let request = Lock::on("reports", "2026").owner("nightly job");
    /// let lease = locks.acquire_within(Duration::from_secs(10), &request)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn acquire_within<F>(
        &self,
        timeout: Duration,
        request: &LockRequest<F>,
    ) -> Result<PooledLease<M>>
    where
        F: Freshness<M::Connection>,
    {
        let lease = request.acquire_within(timeout, &self.pool)?;
        Ok(self.holding(lease))
    }

    fn holding(&self, lease: Lease) -> PooledLease<M> {
        PooledLease { lease: Some(lease), pool: self.pool.clone() }
    }
}

/// A lease that is given back when it is dropped: at once or not at all, without waiting for a connection
/// or a lock, and without a panic. What could not be given back expires.
///
/// Everything else it does as the [`Lease`] in it.
///
/// ```
/// # use diesel::{SqliteConnection, r2d2::ConnectionManager};
/// # use noclobber::lock::PooledLease;
/// fn tell(lease: &PooledLease<ConnectionManager<SqliteConnection>>) {
///     println!("until {}", lease.info().expires_at());
/// }
/// ```
#[must_use = "a lease that is dropped is given back"]
pub struct PooledLease<M: ManageConnection<Connection: LockStore>> {
    /// Taken when it is released.
    lease: Option<Lease>,
    pool: Pool<M>,
}

impl<M: ManageConnection<Connection: LockStore>> PooledLease<M> {
    /// [`Lease::renew`], by a connection of the pool.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use diesel::{SqliteConnection, r2d2::ConnectionManager};
    /// # use noclobber::lock::PooledLease;
    /// # fn keep(mut lease: PooledLease<ConnectionManager<SqliteConnection>>) -> noclobber::Result<()> {
    /// lease.renew()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn renew(&mut self) -> Result<()> {
        (&self.pool).with(|conn| renew(&self.grant, conn))?
    }

    /// [`Lease::release`], by a connection of the pool.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use diesel::{SqliteConnection, r2d2::ConnectionManager};
    /// # use noclobber::lock::PooledLease;
    /// # fn done(lease: PooledLease<ConnectionManager<SqliteConnection>>) -> noclobber::Result<()> {
    /// lease.release()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn release(mut self) -> Result<()> {
        match self.lease.take() {
            Some(lease) => (&self.pool).with(|conn| lease.release(conn))?,
            None => Ok(()),
        }
    }
}

impl<M: ManageConnection<Connection: LockStore>> Deref for PooledLease<M> {
    type Target = Lease;

    #[expect(
        clippy::expect_used,
        reason = "it is taken by `release` alone, which consumes the guard"
    )]
    fn deref(&self) -> &Lease {
        self.lease.as_ref().expect("a lease that was not released")
    }
}

impl<M: ManageConnection<Connection: LockStore>> Drop for PooledLease<M> {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        if let Some(mut conn) = self.pool.try_get() {
            let _ = without_waiting(&mut *conn, |conn| release_at_once(&lease.grant, conn));
        }
    }
}

/// Where the database itself waits for other writers, it does not meanwhile.
fn without_waiting<C: LockStore, R>(
    conn: &mut C,
    work: impl FnOnce(&mut C) -> Result<R>,
) -> Result<R> {
    let dialect = backend::dialect(conn);
    let Some(patience) = dialect.patience else { return work(conn) };
    let tables = LockTables::default();
    let ask = LeaseStatement::new(patience, &tables, dialect, Vec::new());
    let before = conn.__lease_number(ask)?;
    conn.batch_execute("PRAGMA busy_timeout = 0")?;
    let answer = work(conn);
    conn.batch_execute(&format!("PRAGMA busy_timeout = {before}"))?;
    answer
}

impl<M: ManageConnection> fmt::Debug for Locks<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locks").finish_non_exhaustive()
    }
}

impl<M: ManageConnection<Connection: LockStore>> fmt::Debug for PooledLease<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.lease, f)
    }
}
