//! Keeping a lease, giving it back, and what became of one that is gone.

use super::acquire::{again_after_deadlock, in_short};
use super::carry::{self, Happened, happened};
use super::lease::{Began, Grant, Lease};
use super::request::milliseconds;
use super::store::LockStore;
use crate::error::{Error, LockLost, Loss, Result};
use crate::lease::{EventKind, EventRow, LeaseRow, LockEvent};
use crate::retry::Nested;
use crate::statement::lease::LeaseBind::{Number, Text};
use crate::statement::lease::{ENDING, PEEK, PRESENT, RELEASE, RENEW, TAKE_AT_ONCE};

impl Lease {
    /// Holds the lease for another time to live from now on, as far as its cap allows.
    ///
    /// In a short transaction of its own: takes the lock's row at once or not at all, and moves its expiry.
    /// A lease that has expired is not renewed, even when nobody took it: the record may have changed since.
    /// A guarded write can regain it.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`] with who, when and why; [`Error::Unavailable`] when somebody else works on the
    /// row just now, and the lease is as good as it was: try again;
    /// [`Error::LockInTransaction`] when a transaction is open.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let mut lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// lease.renew(conn)?;
    /// assert_eq!(lease.info().renewals(), 1);
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn renew<C: LockStore>(&mut self, conn: &mut C) -> Result<()> {
        renew(&self.grant, conn)
    }

    /// Gives the lease back. The lock's row stays, for its fence.
    ///
    /// # Errors
    ///
    /// [`Error::LockLost`] when it was not this holder's any more;
    /// [`Error::LockInTransaction`] when a transaction is open. After any other error it is left to
    /// expire.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let document = Document::find(1, conn)?;
    /// document.lock().owner("ann").acquire(conn)?.release(conn)?;
    /// document.lock().owner("bob").acquire(conn)?.release(conn)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn release<C: LockStore>(self, conn: &mut C) -> Result<()> {
        let nested = self.grant.nested;
        again_after_deadlock(nested, conn, |conn| release(&self.grant, conn))
    }
}

/// Gives several leases back, in one transaction and in the order in which they are taken: of two who
/// give back the same in different orders, the database would end one for the deadlock.
///
/// # Errors
///
/// As [`release`](Lease::release), for the first that is lost; the others are given back all the same.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::lock::{self, Lock};
///
/// let seat = Lock::on("seats", "1").owner("ann");
/// lock::release_all(lock::acquire_all(&[&seat], conn)?, conn)?;
/// # Ok(())
/// # }
/// ```
pub fn release_all<C: LockStore>(leases: Vec<Lease>, conn: &mut C) -> Result<()> {
    let mut leases = leases;
    leases.sort_by(|one, other| {
        let place = |lease: &Lease| (lease.grant.entity.clone(), lease.grant.record.clone());
        place(one).cmp(&place(other))
    });
    let Some(first) = leases.first() else { return Ok(()) };
    let nested = if leases.iter().all(|lease| lease.grant.nested == first.grant.nested) {
        first.grant.nested
    } else {
        Nested::Refuse
    };
    let lost = again_after_deadlock(nested, conn, |conn| {
        let mut first_loss = None;
        for lease in &leases {
            match release(&lease.grant, conn) {
                Err(Error::LockLost(lost)) => {
                    first_loss.get_or_insert(lost);
                }
                answer => answer?,
            }
        }
        Ok(first_loss)
    })?;
    lost.map_or(Ok(()), |lost| Err(Error::LockLost(lost)))
}

pub(super) fn renew<C: LockStore>(grant: &Grant, conn: &mut C) -> Result<()> {
    let began = Began::now();
    let row = in_short(grant.nested, conn, |conn| {
        let row = carry::lease(TAKE_AT_ONCE, &grant.tables, grant.place(), conn)?;
        let Some(row) = row.filter(|row| is_live(grant, row)) else {
            return Err(Error::LockLost(lost(grant, conn)?));
        };
        let until = row.now.saturating_add(milliseconds(grant.ttl));
        let until = until.min(row.deadline_at.unwrap_or(i64::MAX));
        prolong(grant, until, 1, conn)?;
        carry::lease(PEEK, &grant.tables, grant.place(), conn)
    });
    match row {
        Ok(Some(row)) => grant.renewed(row, began),
        Ok(None) => {}
        Err(error) => {
            grant.not_renewed(&error);
            return Err(error);
        }
    }
    Ok(())
}

/// Moves the expiry of a lease that is known to be this holder's.
pub(super) fn prolong<C: LockStore>(
    grant: &Grant,
    until: i64,
    renewals: i64,
    conn: &mut C,
) -> Result<()> {
    let mut binds = vec![Number(until), Number(renewals)];
    binds.extend(grant.proof());
    match carry::execute(RENEW, &grant.tables, binds, conn)? {
        0 => Err(Error::LockLost(lost(grant, conn)?)),
        _ => Ok(()),
    }
}

/// Inside the transaction that is open.
fn release<C: LockStore>(grant: &Grant, conn: &mut C) -> Result<()> {
    grant.end();
    if carry::execute(RELEASE, &grant.tables, grant.proof(), conn)? == 0 {
        return Err(Error::LockLost(lost(grant, conn)?));
    }
    let renewals = super::lease::renewals(grant);
    let it = Happened {
        entity: &grant.entity,
        record: &grant.record,
        fence: grant.fence,
        kind: EventKind::Released,
        actor: &grant.holder.owner,
        holder: Some(&grant.holder.owner),
        reason: None,
        renewals,
    };
    happened(&it, &grant.tables, conn)
}

/// Gives a lease back, if nobody works on its row just now.
#[cfg(feature = "r2d2")]
pub(super) fn release_at_once<C: LockStore>(grant: &Grant, conn: &mut C) -> Result<()> {
    in_short(grant.nested, conn, |conn| {
        carry::lease(TAKE_AT_ONCE, &grant.tables, grant.place(), conn)?;
        release(grant, conn)
    })
}

fn is_live(grant: &Grant, row: &LeaseRow) -> bool {
    row.belongs_to(grant.fence, &grant.token) && row.lasts().is_some()
}

/// Who ended a lease, when and why, as the history tells; or that it has just run out.
pub(super) fn lost<C: LockStore>(grant: &Grant, conn: &mut C) -> Result<LockLost> {
    let mut binds = vec![Text(&grant.entity), Text(&grant.record)];
    binds.push(Number(grant.fence));
    let ending = carry::events(ENDING, &grant.tables, binds, conn)?;
    let ending = ending.into_iter().next().and_then(EventRow::event);
    let mut holder = None;
    let loss = match ending.as_ref().map(LockEvent::kind) {
        Some(EventKind::Broken) => Loss::Broken,
        Some(EventKind::Stolen) => Loss::Stolen,
        Some(EventKind::Expired) => Loss::Taken,
        Some(EventKind::Released) => Loss::Released,
        _ => match carry::lease(PRESENT, &grant.tables, grant.place(), conn)? {
            Some(row) if row.belongs_to(grant.fence, &grant.token) => {
                let capped = row.deadline_at.is_some_and(|deadline| deadline <= row.now);
                if capped { Loss::Capped } else { Loss::Expired }
            }
            // The history has been purged; the row tells who is there now.
            Some(row) if row.token.is_some() => {
                holder = row.owner;
                Loss::HeldByAnother
            }
            _ => Loss::Unknown,
        },
    };
    let lost = LockLost::new(&grant.entity, &grant.record, grant.fence, loss, ending);
    Ok(lost.taken_by(holder))
}
