//! Ending somebody else's lease: by those who may, with a reason, and on what they saw.

use std::time::Duration;

use super::Lock;
use uuid::Uuid;

use super::acquire::{grant, in_short};
use super::carry::{self, Happened, happened};
use super::lease::{Began, Lease};
use super::request::{self, LockRequest};
use super::store::LockStore;
use crate::error::{Error, OverrideRefused, Result};
use crate::lease::{EventKind, LeaseRow, LockInfo, LockTables};
use crate::retry::Nested;
use crate::statement::lease::LeaseBind::{Number, Text};
use crate::statement::lease::{BREAK, KEEP_DEADLINE, PEEK, STEAL, TAKE_IN_TURN};

/// Who may end whose lease.
///
/// Implemented for closures; [`OwnerOnly`] is what is asked when nothing else is said.
///
/// ```
/// use noclobber::lock::{LockInfo, LockPolicy};
///
/// struct Administrators(Vec<String>);
///
/// impl LockPolicy for Administrators {
///     fn may_override(&self, actor: &str, seen: &LockInfo) -> bool {
///         actor == seen.owner() || self.0.iter().any(|name| name == actor)
///     }
/// }
/// ```
pub trait LockPolicy {
    /// Whether this person may end the lease that they saw.
    ///
    /// ```
    /// use noclobber::lock::{LockInfo, LockPolicy};
    ///
    /// fn ask(policy: &dyn LockPolicy, seen: &LockInfo) -> bool {
    ///     policy.may_override("root", seen)
    /// }
    /// ```
    fn may_override(&self, actor: &str, seen: &LockInfo) -> bool;
}

impl<F: Fn(&str, &LockInfo) -> bool> LockPolicy for F {
    fn may_override(&self, actor: &str, seen: &LockInfo) -> bool {
        self(actor, seen)
    }
}

/// The owner ends the leases of their other sessions, and nobody else's.
///
/// ```
/// let policy = noclobber::lock::OwnerOnly;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnerOnly;

impl LockPolicy for OwnerOnly {
    fn may_override(&self, actor: &str, seen: &LockInfo) -> bool {
        actor == seen.owner()
    }
}

/// Ends somebody else's lease.
///
/// It is that lease and no other which the person has seen: when it has changed hands meanwhile, nothing
/// is ended. A reason is required, and is told to whoever held it, at their next renewal or write. What
/// happened, also a refusal, stands in the history, written in the same transaction.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::lock::{self, LockInfo, Override};
///
/// let document = Document::find(1, conn)?;
/// let anns = document.lock().owner("ann").acquire(conn)?;
///
/// let seen = lock::inspect("documents", "1", conn)?.unwrap();
/// let roots = Override::by("root")
///     .because("ann has gone home")
///     .allowed_to(|actor: &str, _: &LockInfo| actor == "root")
///     .steal(&seen, conn)?;
///
/// assert!(document.clone().save_locked(&anns, conn).is_err());
/// document.save_locked(&roots, conn)?;
/// # roots.release(conn)
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is ended before `break_lock` or `steal`"]
pub struct Override<P = OwnerOnly> {
    pub(super) actor: String,
    pub(super) reason: String,
    pub(super) policy: P,
    pub(super) session: Option<String>,
    pub(super) ttl: Option<Duration>,
    pub(super) tables: LockTables,
    pub(super) nested: Nested,
    /// By which whoever takes it over is known: a steal whose answer was lost is sent again with it.
    pub(super) token: Uuid,
}

impl Override {
    /// By this person, who may end their own leases only until [`allowed_to`](Self::allowed_to) says
    /// otherwise.
    ///
    /// ```
    /// let mine = noclobber::lock::Override::by("ann").because("the other tab");
    /// ```
    pub fn by(actor: impl Into<String>) -> Self {
        Override {
            actor: actor.into(),
            reason: String::new(),
            policy: OwnerOnly,
            session: None,
            ttl: None,
            tables: LockTables::default(),
            nested: Nested::Refuse,
            token: Uuid::new_v4(),
        }
    }
}

impl<P: LockPolicy> Override<P> {
    /// Why. 1 to 2000 bytes; whoever held the lease is told.
    ///
    /// ```
    /// let mine = noclobber::lock::Override::by("ann").because("the other tab");
    /// ```
    pub fn because(self, reason: impl Into<String>) -> Self {
        Override { reason: reason.into(), ..self }
    }

    /// Who may.
    ///
    /// ```
    /// # use noclobber::lock::{LockInfo, Override};
    /// let admins = |actor: &str, _: &LockInfo| actor == "root";
    /// let roots = Override::by("root").because("left open").allowed_to(admins);
    /// ```
    pub fn allowed_to<Q: LockPolicy>(self, policy: Q) -> Override<Q> {
        let Override { actor, reason, session, ttl, tables, nested, token, policy: _ } = self;
        Override { actor, reason, policy, session, ttl, tables, nested, token }
    }

    /// The session of the one who takes it over; see [`LockRequest::session`].
    ///
    /// ```
    /// let mine = noclobber::lock::Override::by("ann").because("the other tab").session("tab 2");
    /// ```
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// How long the lease of the one who takes it over lasts; see [`LockRequest::ttl`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// let mine = noclobber::lock::Override::by("ann").ttl(Duration::from_secs(60));
    /// ```
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Which tables leases are kept in: `locks` and `lock_events` by default.
    ///
    /// ```
    /// # use noclobber::lock::{LockTables, Override};
    /// let tables = LockTables::named("leases", "lease_events");
    /// let mine = Override::by("ann").because("the other tab").kept_in(tables);
    /// ```
    pub fn kept_in(self, tables: LockTables) -> Self {
        Override { tables, ..self }
    }

    /// What to do inside a transaction that is open already; see [`LockRequest::nested`].
    ///
    /// ```
    /// # use noclobber::{lock::Override, retry::Nested};
    /// let mine = Override::by("ann").because("the other tab").nested(Nested::RunOnce);
    /// ```
    pub fn nested(self, nested: Nested) -> Self {
        Override { nested, ..self }
    }

    /// Ends the lease, so that anybody may take the record.
    ///
    /// In one short transaction: an UPDATE on the fence that was seen, and a row of the history. It waits for
    /// a transaction in which the holder has just written; for how long, the database's settings say (on
    /// PostgreSQL `lock_timeout`, which is not set by default).
    ///
    /// # Errors
    ///
    /// [`Error::OverrideRefused`] when the policy says no, and when the lease is no longer the one that was
    /// seen; [`Error::InvalidLock`] without a reason.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// use noclobber::lock::{self, Override};
    ///
    /// let _left_open = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
    /// let seen = lock::inspect("documents", "1", conn)?.unwrap();
    /// Override::by("ann").because("the other tab").break_lock(&seen, conn)?;
    /// assert_eq!(lock::inspect("documents", "1", conn)?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn break_lock<C: LockStore>(&self, seen: &LockInfo, conn: &mut C) -> Result<()> {
        self.check(seen, conn)?;
        in_short(self.nested, conn, |conn| {
            let binds = vec![Text(seen.entity()), Text(seen.record()), Number(seen.fence())];
            self.ended(BREAK, binds, EventKind::Broken, seen, conn)
        })
    }

    /// Ends the lease and takes it over, for [`ttl`](Self::ttl). Of the actor's own, the cap goes on. Asked
    /// again with the same value, after an answer was lost, it is the same grant.
    ///
    /// In one short transaction: an UPDATE on the fence that was seen, and the history.
    ///
    /// # Errors
    ///
    /// As [`break_lock`](Self::break_lock); [`Error::FrozenClock`] on a MySQL that runs with
    /// `--sysdate-is-now`.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// use noclobber::lock::{self, Override};
    ///
    /// let left_open = Document::find(1, conn)?.lock().owner("ann").session("1").acquire(conn)?;
    /// let seen = lock::inspect("documents", "1", conn)?.unwrap();
    /// let here = Override::by("ann").session("2").because("the other tab").steal(&seen, conn)?;
    /// assert!(here.fence() > left_open.fence());
    /// # here.release(conn)
    /// # }
    /// ```
    pub fn steal<C: LockStore>(&self, seen: &LockInfo, conn: &mut C) -> Result<Lease> {
        let request = self.request(seen);
        request.check()?;
        self.check(seen, conn)?;
        carry::refuse_frozen_clock(&self.tables, conn)?;
        let began = Began::now();
        let row = in_short(self.nested, conn, |conn| {
            let place = vec![Text(seen.entity()), Text(seen.record())];
            let now = carry::lease(TAKE_IN_TURN, &self.tables, place, conn)?;
            let served = |row: &LeaseRow| row.belongs_to(next_fence(seen), &request.token);
            if let Some(row) = now.filter(served) {
                return Ok(Some(row));
            }
            let mut binds = grant(&request);
            binds.extend([Text(seen.entity()), Text(seen.record()), Number(seen.fence())]);
            self.ended(STEAL, binds, EventKind::Stolen, seen, conn)?;
            self.keep_deadline(seen, conn)?;
            let it = Happened {
                renewals: 0,
                ..self.happened(EventKind::Acquired, next_fence(seen), &self.actor, seen)
            };
            happened(&it, &self.tables, conn)?;
            let place = vec![Text(seen.entity()), Text(seen.record())];
            carry::lease(PEEK, &self.tables, place, conn)
        })?;
        match row {
            Some(row) => Ok(Lease::new(row, &request, began)),
            None => Err(self.changed(seen, None)),
        }
    }

    /// The request of the one who takes it over.
    fn request(&self, seen: &LockInfo) -> LockRequest {
        let mut request = Lock::on(seen.entity(), seen.record())
            .owner(&self.actor)
            .kept_in(self.tables.clone())
            .nested(self.nested)
            .token(self.token);
        request.holder.session.clone_from(&self.session);
        match self.ttl {
            Some(ttl) => request.ttl(ttl),
            None => request,
        }
    }

    fn check<C: LockStore>(&self, seen: &LockInfo, conn: &mut C) -> Result<()> {
        request::within("the reason", &self.reason, 1, request::TEXT)?;
        request::within("the actor", &self.actor, 1, request::NAME)?;
        if seen.is_in_columns() {
            let why = "what was seen is a lease in columns: `break_in_columns`, `steal_in_columns`";
            return Err(request::invalid(why));
        }
        if self.policy.may_override(&self.actor, seen) {
            return Ok(());
        }
        in_short(self.nested, conn, |conn| {
            let it = self.happened(EventKind::Denied, seen.fence(), seen.owner(), seen);
            happened(&it, &self.tables, conn)
        })?;
        Err(Error::OverrideRefused(OverrideRefused::denied(&self.actor, seen)))
    }

    /// Who takes over their own lease goes on under the cap that it had: it is the same person who holds the
    /// record.
    fn keep_deadline<C: LockStore>(&self, seen: &LockInfo, conn: &mut C) -> Result<()> {
        let Some(deadline) = seen.deadline_at().filter(|_| self.actor == seen.owner()) else {
            return Ok(());
        };
        let deadline = deadline.timestamp_millis();
        let mut binds = vec![Number(deadline), Number(deadline), Number(deadline)];
        binds.extend([Text(seen.entity()), Text(seen.record()), Number(next_fence(seen))]);
        carry::execute(KEEP_DEADLINE, &self.tables, binds, conn).map(drop)
    }

    /// Sends the UPDATE, and writes down that it happened if it did.
    fn ended<C: LockStore>(
        &self,
        text: &'static str,
        binds: Vec<crate::statement::lease::LeaseBind<'_>>,
        kind: EventKind,
        seen: &LockInfo,
        conn: &mut C,
    ) -> Result<()> {
        let place = || vec![Text(seen.entity()), Text(seen.record())];
        // Its holder may be in the midst of a guarded write.
        carry::lease(TAKE_IN_TURN, &self.tables, place(), conn)?;
        if carry::execute(text, &self.tables, binds, conn)? == 0 {
            let now = carry::lease(PEEK, &self.tables, place(), conn)?;
            let now = now.filter(|row| row.token.is_some()).map(|row| row.info_for(None));
            return Err(self.changed(seen, now));
        }
        happened(&self.happened(kind, seen.fence(), seen.owner(), seen), &self.tables, conn)
    }

    fn changed(&self, seen: &LockInfo, now: Option<LockInfo>) -> Error {
        Error::OverrideRefused(OverrideRefused::changed(&self.actor, seen, now))
    }

    fn happened<'a>(
        &'a self,
        kind: EventKind,
        fence: i64,
        holder: &'a str,
        seen: &'a LockInfo,
    ) -> Happened<'a> {
        Happened {
            entity: seen.entity(),
            record: seen.record(),
            fence,
            kind,
            actor: &self.actor,
            holder: Some(holder),
            reason: Some(&self.reason),
            renewals: i64::try_from(seen.renewals()).unwrap_or(i64::MAX),
        }
    }
}

/// The fence of whoever takes over what was seen.
pub(super) fn next_fence(seen: &LockInfo) -> i64 {
    seen.fence().saturating_add(1)
}

/// Without the token, which is the secret of whoever takes the lease over.
impl<P> std::fmt::Debug for Override<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Override")
            .field("actor", &self.actor)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
