//! Taking leases: one, several, or one that has to be waited for.

use std::time::Duration;

use super::carry::{self, Happened, happened};
use super::freshness::Freshness;
use super::lease::{Began, Lease};
use super::request::{LockRequest, invalid, milliseconds};
use super::store::LockStore;
use crate::error::{Error, LockHeld, Reason, Result, Unavailable};
use crate::lease::{EventKind, LeaseRow, Standing};
use crate::retry::{Failed, Nested, Policy, Retry, Retryable, Source, System, attempts};
use crate::statement::lease::LeaseBind::{MaybeNumber, MaybeText, Number, Text};
use crate::statement::lease::{
    CREATE, FENCE, FLOOR, PEEK, RENEW, TAKE, TAKE_AT_ONCE, TAKE_IN_TURN,
};
use crate::transaction::{depth, short};

/// Each round that does not end it was won by somebody else.
pub(super) const ROUNDS: usize = 16;

impl<F> LockRequest<F> {
    /// Takes the lease, or says who has it. Does not wait for the holder.
    ///
    /// In a short transaction of its own, at READ COMMITTED: reads the lock's row; takes it by an UPDATE
    /// on the fence that was seen, or creates it; notes what happened in the history. Who finds it held has
    /// sent a plain SELECT. Asked again with the same request, after an answer was lost, it is the same
    /// grant.
    ///
    /// # Errors
    ///
    /// [`Error::LockHeld`]; [`Error::InvalidLock`] for what does not fit, before anything is sent;
    /// [`Error::ConcurrentModification`] when the copy in hand [has to be fresh](Self::refuse_if_stale) and
    /// is not; [`Error::LockInTransaction`] when a transaction is open;
    /// [`Error::LockTablesMissing`] without the tables; [`Error::FrozenClock`] on a MySQL that runs with
    /// `--sysdate-is-now`.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// assert_eq!(lease.info().owner(), "ann");
    /// # lease.release(conn)
    /// # }
    /// ```
    pub fn acquire<C>(&self, conn: &mut C) -> Result<Lease>
    where
        C: LockStore,
        F: Freshness<C>,
    {
        self.check()?;
        let began = Began::now();
        let row = again_after_deadlock(self.nested, conn, |conn| take(self, conn))?;
        Ok(Lease::new(row, self, began))
    }

    /// [`acquire`](Self::acquire), again and again until the lease is to be had or the time is over.
    ///
    /// `source` is a pool or a connection; a pool gets its connection back between the attempts. The
    /// pauses are random, up to half a second, and the last attempt is made when the time is over. An attempt
    /// is not cut off: a pool that is exhausted is waited for as long as its own timeout says, which is 30 s
    /// unless it was set. Who waits is in no queue: a wait that ends early, by its time or because the program
    /// does, leaves nothing behind.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire); that of the last attempt when the time is over.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// use std::time::Duration;
    ///
    /// let document = Document::find(1, conn)?;
    /// let _anns = document.lock().owner("ann").ttl(Duration::from_millis(50)).acquire(conn)?;
    /// let bobs = document.lock().owner("bob").acquire_within(Duration::from_secs(5), &mut *conn)?;
    /// # bobs.release(conn)
    /// # }
    /// ```
    pub fn acquire_within<S>(&self, timeout: Duration, source: S) -> Result<Lease>
    where
        S: Source<Conn: LockStore>,
        F: Freshness<S::Conn>,
    {
        within(timeout, source, |conn| self.acquire(conn))
    }
}

/// An attempt to acquire, again and again until it is had or the time is over.
pub(super) fn within<S: Source, L>(
    timeout: Duration,
    source: S,
    acquire: impl Fn(&mut S::Conn) -> Result<L>,
) -> Result<L> {
    let policy = Policy::default()
        .attempts(u32::MAX)
        .deadline(timeout)
        .pauses(Duration::from_millis(20), Duration::from_millis(500));
    let attempt = |conn: &mut S::Conn| {
        acquire(conn).map_err(|error| {
            let retry = match error {
                Error::LockHeld(_) => Retry::Restart,
                _ => error.retry(),
            };
            Failed { error, retry }
        })
    };
    attempts(source, &policy, &mut System::default(), attempt).map_err(|given_up| {
        let mut error: Error = given_up.error;
        error.set_attempts(given_up.attempts);
        error
    })
}

/// A lease that is asked for together with others: what [`acquire_all`] takes.
///
/// Implemented for every [`LockRequest`]; there is nothing to implement here.
///
/// ```
/// use noclobber::lock::{Lock, Requested};
///
/// let request = Lock::on("documents", "7").owner("ann");
/// let several: Vec<&dyn Requested<diesel::SqliteConnection>> = vec![&request];
/// ```
pub trait Requested<C> {
    #[doc(hidden)]
    fn __place(&self) -> (&str, &str);

    #[doc(hidden)]
    fn __check(&self) -> Result<Nested>;

    #[doc(hidden)]
    fn __take(&self, began: Began, conn: &mut C) -> Result<Lease>;
}

impl<C: LockStore, F: Freshness<C>> Requested<C> for LockRequest<F> {
    fn __place(&self) -> (&str, &str) {
        (&self.entity, &self.record)
    }

    fn __check(&self) -> Result<Nested> {
        self.check().map(|()| self.nested)
    }

    fn __take(&self, began: Began, conn: &mut C) -> Result<Lease> {
        Ok(Lease::new(take(self, conn)?, self, began))
    }
}

/// Takes several leases, of any tables: all of them, or none.
///
/// In one short transaction, and in the order of their tables and keys, so that two who want the same do
/// not wait for each other. Give them back by [`release_all`](super::release_all), which keeps that order.
/// No request, no statement.
///
/// # Errors
///
/// As [`acquire`](LockRequest::acquire), for the first that is not to be had; [`Error::InvalidLock`] when
/// two are for the same record.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::lock::{self, Lock};
///
/// let (one, other) = (Lock::on("seats", "1").owner("ann"), Lock::on("seats", "2").owner("ann"));
/// let leases = lock::acquire_all(&[&one, &other], conn)?;
/// lock::release_all(leases, conn)?;
/// # Ok(())
/// # }
/// ```
pub fn acquire_all<C: LockStore>(
    requests: &[&dyn Requested<C>],
    conn: &mut C,
) -> Result<Vec<Lease>> {
    let mut nested = Nested::RunOnce;
    for request in requests {
        if request.__check()? == Nested::Refuse {
            nested = Nested::Refuse;
        }
    }
    let mut requests = requests.to_vec();
    requests.sort_by(|one, other| one.__place().cmp(&other.__place()));
    if let Some(pair) = requests.windows(2).find(|pair| pair[0].__place() == pair[1].__place()) {
        let (entity, record) = pair[0].__place();
        return Err(invalid(&format!("{entity} {record} is asked for twice")));
    }
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let began = Began::now();
    again_after_deadlock(nested, conn, |conn| {
        requests.iter().map(|request| request.__take(began, conn)).collect()
    })
}

/// A short transaction about leases that begins anew when it was the victim of a deadlock.
///
/// On MySQL an INSERT that finds its key shares the row until the transaction ends, with others who have
/// found it as well, and none of them can write to it then; likewise when the row is taken back for which
/// several have waited, or purged. The server ends all but one of them at once.
pub(super) fn again_after_deadlock<C: LockStore, R>(
    nested: Nested,
    conn: &mut C,
    mut work: impl FnMut(&mut C) -> Result<R>,
) -> Result<R> {
    // Inside another transaction, that one is over as well.
    let rounds = if depth(conn)? == 0 { ROUNDS } else { 1 };
    for _ in 1..rounds {
        match in_short(nested, conn, &mut work) {
            Err(Error::Unavailable(it)) if it.reason() == Reason::Deadlock => {}
            answer => return answer,
        }
    }
    in_short(nested, conn, work)
}

/// A short transaction about leases; inside another one only for those who say so.
pub(super) fn in_short<C: LockStore, R>(
    nested: Nested,
    conn: &mut C,
    work: impl FnOnce(&mut C) -> Result<R>,
) -> Result<R> {
    if nested == Nested::Refuse && depth(conn)? > 0 {
        return Err(Error::LockInTransaction);
    }
    short(conn, work)
}

/// Takes one lease, inside the transaction that is open.
fn take<C, F>(request: &LockRequest<F>, conn: &mut C) -> Result<LeaseRow>
where
    C: LockStore,
    F: Freshness<C>,
{
    carry::refuse_frozen_clock(&request.tables, conn)?;
    for _ in 0..ROUNDS {
        if attempt(request, conn)? {
            request.copy.__check(conn)?;
            return peek(request, conn)?.ok_or_else(somebody_was_faster);
        }
    }
    Err(somebody_was_faster())
}

/// Whether the lease is had now. If not, the row is not what it was when it was looked at.
fn attempt<C: LockStore, F>(request: &LockRequest<F>, conn: &mut C) -> Result<bool> {
    let tables = &request.tables;
    let place = || vec![Text(&request.entity), Text(&request.record)];
    let Some(row) = peek(request, conn)? else {
        return create(request, conn);
    };
    let holder_before = row.clone();
    match row.standing(&request.holder, &request.token) {
        Standing::Held(info) => Err(Error::LockHeld(LockHeld::new(info))),
        Standing::Mine { fence } => {
            let ttl = milliseconds(request.ttl);
            let until = holder_before.now.saturating_add(ttl);
            let until = until.min(holder_before.deadline_at.unwrap_or(i64::MAX));
            let mut binds = vec![Number(until), Number(0)];
            binds.extend(place());
            binds.extend([Number(fence), Text(&request.token)]);
            Ok(carry::execute(RENEW, tables, binds, conn)? > 0)
        }
        Standing::Free { fence, expired } => {
            let renewals = holder_before.renewals;
            if expired.is_some() {
                at_once(request, holder_before, conn)?;
            } else {
                carry::lease(TAKE_IN_TURN, tables, place(), conn)?;
            }
            let mut binds = grant(request);
            binds.extend(place());
            binds.push(Number(fence));
            if carry::execute(TAKE, tables, binds, conn)? == 0 {
                return Ok(false);
            }
            if let Some(holder) = &expired {
                note(request, fence, EventKind::Expired, holder, renewals, conn)?;
            }
            note(
                request,
                fence.saturating_add(1),
                EventKind::Acquired,
                &request.holder.owner,
                0,
                conn,
            )?;
            Ok(true)
        }
    }
}

/// A lease that has expired may still be under a proof, for as long as the holder's write takes: then it
/// counts as held.
fn at_once<C: LockStore, F>(
    request: &LockRequest<F>,
    before: LeaseRow,
    conn: &mut C,
) -> Result<()> {
    let place = vec![Text(&request.entity), Text(&request.record)];
    match carry::lease(TAKE_AT_ONCE, &request.tables, place, conn) {
        Err(Error::Unavailable(busy)) if busy.reason() == Reason::LockTimeout => {
            Err(Error::LockHeld(LockHeld::new(before.info_for(Some(&request.holder)))))
        }
        answer => answer.map(drop),
    }
}

/// The first lease of a record, or the first since it was purged.
fn create<C: LockStore, F>(request: &LockRequest<F>, conn: &mut C) -> Result<bool> {
    let tables = &request.tables;
    let mut binds = vec![Text(&request.entity), Text(&request.record)];
    binds.extend(grant(request));
    if !carry::insert(CREATE, tables, binds, conn)? {
        return Ok(false);
    }
    // Read only now: the row is there, so that a purge which raises the floor for it is over.
    let floor = carry::lease(FLOOR, tables, vec![Text(&request.entity)], conn)?;
    let fence = floor.map_or(0, |floor| floor.fence).saturating_add(1);
    let binds = vec![
        Number(fence),
        Number(milliseconds(request.ttl)),
        MaybeNumber(request.cap.map(milliseconds)),
        Text(&request.entity),
        Text(&request.record),
        Text(&request.token),
    ];
    carry::execute(FENCE, tables, binds, conn)?;
    note(request, fence, EventKind::Acquired, &request.holder.owner, 0, conn)?;
    Ok(true)
}

fn peek<C: LockStore, F>(request: &LockRequest<F>, conn: &mut C) -> Result<Option<LeaseRow>> {
    let place = vec![Text(&request.entity), Text(&request.record)];
    carry::lease(PEEK, &request.tables, place, conn)
}

/// What every grant writes: token, owner, session, note, ttl, cap, version.
pub(super) fn grant<F>(request: &LockRequest<F>) -> Vec<crate::statement::lease::LeaseBind<'_>> {
    vec![
        Text(&request.token),
        Text(&request.holder.owner),
        MaybeText(request.holder.session.as_deref()),
        MaybeText(request.note.as_deref()),
        Number(milliseconds(request.ttl)),
        MaybeNumber(request.cap.map(milliseconds)),
        MaybeText(request.version.as_deref()),
    ]
}

fn note<C: LockStore, F>(
    request: &LockRequest<F>,
    fence: i64,
    kind: EventKind,
    holder: &str,
    renewals: i64,
    conn: &mut C,
) -> Result<()> {
    let it = Happened {
        entity: &request.entity,
        record: &request.record,
        fence,
        kind,
        actor: &request.holder.owner,
        holder: Some(holder),
        reason: None,
        renewals,
    };
    happened(&it, &request.tables, conn)
}

pub(super) fn somebody_was_faster() -> Error {
    let why = "the lease changed hands each time it was looked at";
    Error::Unavailable(Unavailable::new(Reason::Busy, why))
}
