//! A lease in the hands of its holder.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::{Error, Loss};
use crate::lease::{Holder, LeaseRow, LockInfo, LockTables};
use crate::retry::Nested;
use crate::statement::lease::LeaseBind::{self, Number, Text};

/// A lease that is held.
///
/// There is one for each grant, and it cannot be cloned: [`release`](Self::release) consumes it. One that
/// is dropped without it is left to expire; leases taken through [`Locks`](super::Locks) are given back
/// then.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// let document = Document::find(1, conn)?;
/// let mut lease = document.lock().owner("ann").acquire(conn)?;
/// lease.renew(conn)?;
/// let document = Document { title: "Mine alone".into(), ..document }.save_locked(&lease, conn)?;
/// lease.release(conn)?;
/// # assert_eq!(document.version, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "a lease that is dropped stands in everybody's way until it expires"]
pub struct Lease {
    pub(super) grant: Arc<Grant>,
}

/// What its holder knows of a grant. Shared with the keeper that renews it.
pub struct Grant {
    pub(super) entity: String,
    pub(super) record: String,
    pub(super) fence: i64,
    pub(super) token: String,
    pub(super) holder: Holder,
    pub(super) ttl: Duration,
    pub(super) tables: LockTables,
    pub(super) nested: Nested,
    state: Mutex<State>,
    over: AtomicBool,
}

struct State {
    info: LockInfo,
    trusted: Trust,
    /// The record's version as the holder knows it, as text: when it was locked, or after the last guarded
    /// write. When that was undone with its transaction, nobody has that version, and nothing is regained.
    /// None where a lease began without a copy of the record.
    known: Option<String>,
}

/// Until when a lease is trusted without asking: by both clocks. The one that counts stands still while
/// the machine is suspended, and the one that tells the time may be set back.
#[derive(Clone, Copy)]
struct Trust {
    monotonic: Option<Instant>,
    wall: Option<SystemTime>,
}

/// When an attempt to get or renew a lease began, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Began {
    monotonic: Instant,
    wall: SystemTime,
}

impl Began {
    pub(super) fn now() -> Self {
        Began { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// The database's clock began to count at the earliest when the attempt began. What is subtracted is
    /// for clocks that run at different speeds.
    fn trust(self, lasts: Duration) -> Trust {
        let margin = (lasts / 10).clamp(Duration::from_millis(5), Duration::from_secs(2));
        let lasts = lasts.saturating_sub(margin);
        Trust { monotonic: self.monotonic.checked_add(lasts), wall: self.wall.checked_add(lasts) }
    }
}

impl Trust {
    fn holds(self) -> bool {
        // A time that the clock cannot tell is a long way off.
        self.monotonic.is_none_or(|until| Instant::now() < until)
            && self.wall.is_none_or(|until| SystemTime::now() < until)
    }
}

impl Lease {
    pub(super) fn new(
        row: LeaseRow,
        request: &super::LockRequest<impl Sized>,
        began: Began,
    ) -> Self {
        let trusted = began.trust(row.expires_in());
        let fence = row.fence;
        let info = row.info_for(None);
        Lease {
            grant: Arc::new(Grant {
                entity: request.entity.clone(),
                record: request.record.clone(),
                fence,
                token: request.token.clone(),
                holder: request.holder.clone(),
                ttl: request.ttl,
                tables: request.tables.clone(),
                nested: request.nested,
                state: Mutex::new(State { info, trusted, known: request.version.clone() }),
                over: AtomicBool::new(false),
            }),
        }
    }

    /// Whether the lease is still this holder's, as far as can be told without asking.
    ///
    /// From the beginning of the attempt that got or renewed it, for its time to live less a margin, and
    /// only as long as both of the system's clocks agree. It is for deciding whether to begin something;
    /// what is written is proven to the database by [`save_locked`](crate::LockDsl::save_locked).
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// assert!(lease.is_trusted());
    /// # lease.release(conn)
    /// # }
    /// ```
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.grant.is_trusted()
    }

    /// The lease as it was when it was taken or last renewed.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// assert_eq!((lease.info().record(), lease.info().renewals()), ("1", 0));
    /// # lease.release(conn)
    /// # }
    /// ```
    #[must_use]
    pub fn info(&self) -> LockInfo {
        self.grant.state().info.clone()
    }

    /// The number of the grant: it grows with every new holder of the record and never repeats. To be
    /// handed on to what is not in this database, and refuses smaller numbers than it has seen.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let document = Document::find(1, conn)?;
    /// let first = document.lock().owner("ann").acquire(conn)?;
    /// let before = first.fence();
    /// first.release(conn)?;
    /// assert!(document.lock().owner("ann").acquire(conn)?.fence() > before);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.grant.fence
    }
}

impl Grant {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_trusted(&self) -> bool {
        !self.is_over() && self.state().trusted.holds()
    }

    /// Whether it was released, or is known to be lost.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Takes note of the version that a guarded write has left behind.
    pub(super) fn knows(&self, version: String) {
        self.state().known = Some(version);
    }

    /// Whether the holder knows the record at this version.
    pub(super) fn is_known(&self, version: &str) -> bool {
        self.state().known.as_deref().is_none_or(|known| known == version)
    }

    /// Takes note of an answer of the database's that it is not to be trusted any more. It may have run out,
    /// and a guarded write may regain it; or it is lost, and its keeper is still to tell of that.
    pub(super) fn distrust(&self) {
        let Began { monotonic, wall } = Began::now();
        self.state().trusted = Trust { monotonic: Some(monotonic), wall: Some(wall) };
    }

    /// Takes note of why it could not be renewed, if that was a definite answer.
    pub(super) fn not_renewed(&self, error: &Error) {
        match error {
            Error::LockLost(lost) if lost.loss() == Loss::Expired => self.distrust(),
            Error::LockLost(_) => self.end(),
            _ => {}
        }
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Takes note of a renewal.
    pub(super) fn renewed(&self, row: LeaseRow, began: Began) {
        let trusted = began.trust(row.expires_in());
        let mut state = self.state();
        state.info = row.info_for(None);
        state.trusted = trusted;
    }

    /// Where its row is.
    pub(super) fn place(&self) -> Vec<LeaseBind<'_>> {
        vec![Text(&self.entity), Text(&self.record)]
    }

    /// What proves it.
    pub(super) fn proof(&self) -> Vec<LeaseBind<'_>> {
        vec![Text(&self.entity), Text(&self.record), Number(self.fence), Text(&self.token)]
    }
}

impl Drop for Lease {
    /// Nobody can use it any more, also when giving it back has failed: a keeper would renew it for ever.
    fn drop(&mut self) {
        self.grant.end();
    }
}

/// How often it was renewed, as far as its holder knows.
pub(super) fn renewals(grant: &Grant) -> i64 {
    i64::try_from(grant.state().info.renewals()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.grant).finish()
    }
}

/// Without the token and the session, which are the holder's own.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("entity", &self.entity)
            .field("record", &self.record)
            .field("fence", &self.fence)
            .field("owner", &self.holder.owner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_ends_by_whichever_clock_is_first() {
        let began = Began::now();
        let trust = began.trust(Duration::from_secs(100));
        assert!(trust.holds());
        let past = began.wall - Duration::from_secs(1);
        assert!(!Trust { wall: Some(past), ..trust }.holds());
        let Some(past) = began.monotonic.checked_sub(Duration::from_millis(1)) else { return };
        assert!(!Trust { monotonic: Some(past), ..trust }.holds());
    }

    #[test]
    fn trust_ends_before_the_lease_does() {
        let began = Began::now();
        let until = |lasts| began.trust(lasts).monotonic.unwrap() - began.monotonic;
        assert_eq!(until(Duration::from_secs(10)), Duration::from_secs(9));
        assert_eq!(until(Duration::from_secs(600)), Duration::from_secs(598));
        assert_eq!(until(Duration::from_millis(10)), Duration::from_millis(5));
        assert_eq!(until(Duration::from_millis(1)), Duration::ZERO);
    }
}
