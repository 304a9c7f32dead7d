//! Looking at leases, which writes nothing; and forgetting those that are over.

use std::time::Duration;

use super::acquire::again_after_deadlock;
use super::carry;
use super::request::milliseconds;
use super::store::LockStore;
use crate::error::Result;
use crate::lease::{EventRow, LockEvent, LockInfo, LockTables};
use crate::retry::Nested;
use crate::statement::lease::LeaseBind::{MaybeNumber, MaybeText, Number, Text};
use crate::statement::lease::{
    CREATE_FLOOR, FORGET, FORGET_EVENTS, HISTORY, LIST, NOW, OLDEST_EVENTS, OVER, PEEK, RAISE_FLOOR,
};

/// The lease on a record, if somebody holds it. Reads, and writes nothing.
///
/// Also one that has expired and that nobody else has taken yet: see
/// [`is_expired`](LockInfo::is_expired). In other tables than the default ones:
/// [`LockTables::inspect`].
///
/// # Errors
///
/// Those of the database; [`Error::LockTablesMissing`](crate::Error::LockTablesMissing).
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// assert_eq!(noclobber::lock::inspect("documents", "1", conn)?, None);
/// # Ok(())
/// # }
/// ```
pub fn inspect<C: LockStore>(entity: &str, record: &str, conn: &mut C) -> Result<Option<LockInfo>> {
    LockTables::default().inspect(entity, record, conn)
}

/// The leases that a filter lets through, by table and key. Reads, and writes nothing.
///
/// # Errors
///
/// As [`inspect`].
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::lock::{self, LockFilter};
///
/// let lease = Document::find(1, conn)?.lock().owner("ann").acquire(conn)?;
/// let page = lock::list(&LockFilter::default().entity("documents").limit(50), conn)?;
/// assert_eq!(page.len(), 1);
/// let next = LockFilter::default().entity("documents").limit(50).after(&page[0]);
/// assert!(lock::list(&next, conn)?.is_empty());
/// # lease.release(conn)
/// # }
/// ```
pub fn list<C: LockStore>(filter: &LockFilter, conn: &mut C) -> Result<Vec<LockInfo>> {
    LockTables::default().list(filter, conn)
}

/// The leases of an owner, in all sessions. Reads, and writes nothing.
///
/// # Errors
///
/// As [`inspect`].
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// assert!(noclobber::lock::mine("ann", conn)?.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn mine<C: LockStore>(owner: &str, conn: &mut C) -> Result<Vec<LockInfo>> {
    list(&LockFilter::default().owner(owner).limit(u32::MAX), conn)
}

/// What happened to the leases on a record, the oldest first. Reads, and writes nothing.
///
/// # Errors
///
/// As [`inspect`].
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// assert!(noclobber::lock::history("documents", "1", conn)?.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn history<C: LockStore>(entity: &str, record: &str, conn: &mut C) -> Result<Vec<LockEvent>> {
    LockTables::default().history(entity, record, conn)
}

/// Forgets what has been over for so long: leases that were released or have expired, and events. Answers
/// how many leases.
///
/// In several transactions, none of which takes more than some hundred of them: nobody waits for long.
///
/// A record that is locked again gets a larger fence all the same: the highest of those forgotten is kept
/// for its table.
///
/// # Errors
///
/// As [`inspect`], and [`Error::LockInTransaction`](crate::Error::LockInTransaction).
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use std::time::Duration;
///
/// let days = Duration::from_secs(30 * 24 * 60 * 60);
/// assert_eq!(noclobber::lock::purge(days, conn)?, 0);
/// # Ok(())
/// # }
/// ```
pub fn purge<C: LockStore>(older_than: Duration, conn: &mut C) -> Result<usize> {
    LockTables::default().purge(older_than, conn)
}

/// Which leases are wanted, and how many at a time.
///
/// ```
/// use noclobber::lock::LockFilter;
/// use std::time::Duration;
///
/// let forgotten = LockFilter::default().older_than(Duration::from_secs(8 * 60 * 60)).limit(20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFilter {
    owner: Option<String>,
    entity: Option<String>,
    older_than: Option<Duration>,
    expired: bool,
    after: (String, String),
    limit: u32,
}

/// All that are held, the first hundred.
impl Default for LockFilter {
    fn default() -> Self {
        LockFilter {
            owner: None,
            entity: None,
            older_than: None,
            expired: false,
            after: (String::new(), String::new()),
            limit: 100,
        }
    }
}

impl LockFilter {
    /// Of this owner only.
    ///
    /// ```
    /// let anns = noclobber::lock::LockFilter::default().owner("ann");
    /// ```
    #[must_use]
    pub fn owner(self, owner: impl Into<String>) -> Self {
        LockFilter { owner: Some(owner.into()), ..self }
    }

    /// On records of this table only.
    ///
    /// ```
    /// let documents = noclobber::lock::LockFilter::default().entity("documents");
    /// ```
    #[must_use]
    pub fn entity(self, entity: impl Into<String>) -> Self {
        LockFilter { entity: Some(entity.into()), ..self }
    }

    /// Only those taken at least so long ago.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let old = noclobber::lock::LockFilter::default().older_than(Duration::from_secs(3600));
    /// ```
    #[must_use]
    pub fn older_than(self, age: Duration) -> Self {
        LockFilter { older_than: Some(age), ..self }
    }

    /// Also those that have expired and that nobody else has taken.
    ///
    /// ```
    /// let all = noclobber::lock::LockFilter::default().with_expired();
    /// ```
    #[must_use]
    pub fn with_expired(self) -> Self {
        LockFilter { expired: true, ..self }
    }

    /// The page that follows this lease, the last one of the page before.
    ///
    /// ```
    /// # use noclobber::lock::{LockFilter, LockInfo};
    /// fn next(page: &[LockInfo]) -> Option<LockFilter> {
    ///     Some(LockFilter::default().after(page.last()?))
    /// }
    /// ```
    #[must_use]
    pub fn after(self, last: &LockInfo) -> Self {
        LockFilter { after: (last.entity().to_owned(), last.record().to_owned()), ..self }
    }

    /// How many at most: a hundred by default.
    ///
    /// ```
    /// let few = noclobber::lock::LockFilter::default().limit(20);
    /// ```
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        LockFilter { limit, ..self }
    }
}

/// How many leases or events a purge takes in one transaction, which others may have to wait for.
const AT_A_TIME: i64 = 500;

impl LockTables {
    /// [`inspect`], in these tables.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// # use noclobber::lock::LockTables;
    /// let held = LockTables::named("locks", "lock_events").inspect("documents", "1", conn)?;
    /// assert_eq!(held, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn inspect<C: LockStore>(
        &self,
        entity: &str,
        record: &str,
        conn: &mut C,
    ) -> Result<Option<LockInfo>> {
        let row = carry::lease(PEEK, self, vec![Text(entity), Text(record)], conn)?;
        Ok(row.filter(|row| row.token.is_some()).map(|row| row.info_for(None)))
    }

    /// [`list`], in these tables.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// # use noclobber::lock::{LockFilter, LockTables};
    /// assert!(LockTables::default().list(&LockFilter::default(), conn)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list<C: LockStore>(&self, filter: &LockFilter, conn: &mut C) -> Result<Vec<LockInfo>> {
        let LockFilter { owner, entity, older_than, expired, after, limit } = filter;
        let (owner, entity) = (owner.as_deref(), entity.as_deref());
        let age = older_than.map(milliseconds);
        let binds = vec![
            MaybeText(owner),
            MaybeText(owner),
            MaybeText(entity),
            MaybeText(entity),
            MaybeNumber(age),
            MaybeNumber(age),
            Number(i64::from(*expired)),
            Text(&after.0),
            Text(&after.0),
            Text(&after.1),
            Number(i64::from(*limit)),
        ];
        let rows = carry::leases(LIST, self, binds, conn)?;
        Ok(rows.into_iter().map(|row| row.info_for(None)).collect())
    }

    /// [`history`], in these tables.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// # use noclobber::lock::LockTables;
    /// assert!(LockTables::default().history("documents", "1", conn)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn history<C: LockStore>(
        &self,
        entity: &str,
        record: &str,
        conn: &mut C,
    ) -> Result<Vec<LockEvent>> {
        let rows = carry::events(HISTORY, self, vec![Text(entity), Text(record)], conn)?;
        Ok(rows.into_iter().filter_map(EventRow::event).collect())
    }

    /// [`purge`], in these tables.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// # use noclobber::lock::LockTables;
    /// # use std::time::Duration;
    /// assert_eq!(LockTables::default().purge(Duration::from_secs(3600), conn)?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn purge<C: LockStore>(&self, older_than: Duration, conn: &mut C) -> Result<usize> {
        let now = carry::number(NOW, self, Vec::new(), conn)?;
        let until = now.saturating_sub(milliseconds(older_than));
        let purged = some_at_a_time(conn, |conn| self.purge_some(until, conn))?;
        some_at_a_time(conn, |conn| self.purge_some_events(until, conn))?;
        Ok(purged)
    }

    fn purge_some_events<C: LockStore>(&self, until: i64, conn: &mut C) -> Result<usize> {
        let binds = vec![Number(until), Number(AT_A_TIME)];
        let oldest = carry::number(OLDEST_EVENTS, self, binds, conn)?;
        carry::execute(FORGET_EVENTS, self, vec![Number(oldest)], conn)
    }

    fn purge_some<C: LockStore>(&self, until: i64, conn: &mut C) -> Result<usize> {
        let over = carry::leases(OVER, self, vec![Number(until), Number(AT_A_TIME)], conn)?;
        let mut forgotten = 0;
        for row in &over {
            // The floor first: who creates the row anew reads it after this is committed.
            let binds = vec![Text(&row.entity), Number(row.fence)];
            if !carry::insert(CREATE_FLOOR, self, binds, conn)? {
                let binds = vec![Number(row.fence), Text(&row.entity), Number(row.fence)];
                carry::execute(RAISE_FLOOR, self, binds, conn)?;
            }
            let binds = vec![Text(&row.entity), Text(&row.record), Number(row.fence)];
            // A trigger or a policy may keep a row from being deleted: that must end.
            forgotten += carry::execute(FORGET, self, binds, conn)?;
        }
        Ok(forgotten)
    }
}

/// Purges in transactions of their own, until there is nothing left. Answers how much there was.
fn some_at_a_time<C: LockStore>(
    conn: &mut C,
    mut purge: impl FnMut(&mut C) -> Result<usize>,
) -> Result<usize> {
    let mut purged = 0;
    loop {
        match again_after_deadlock(Nested::Refuse, conn, &mut purge)? {
            0 => return Ok(purged),
            some => purged += some,
        }
    }
}
