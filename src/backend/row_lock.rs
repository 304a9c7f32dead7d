//! Row locks: what is asked for, and the clause that asks a database for it.

use super::Dialect;

/// How a read locks its rows until the end of the transaction, and what it does about those that
/// somebody else has.
///
/// | | others meanwhile | PostgreSQL | MySQL, MariaDB |
/// |---|---|---|---|
/// | [`for_update`](Self::for_update) | neither write the row nor lock it | `FOR NO KEY UPDATE` | `FOR UPDATE` |
/// | [`for_share`](Self::for_share) | may share it, and do not write it | `FOR SHARE` | `LOCK IN SHARE MODE` |
///
/// Reads without a lock are not held up. SQLite has no row locks and no clause for them: a transaction
/// that is a writer has the whole database, and waits for it when it begins
/// ([`transaction`](crate::transaction())).
///
/// `FOR NO KEY UPDATE` is the lock of an `UPDATE` that leaves the key alone. It differs from `FOR UPDATE`
/// in that new rows may refer to this one by a foreign key meanwhile, whose transactions would wait for
/// nothing otherwise. A `DELETE` of the row waits for them.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::RowLock;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let next = RowLock::for_update().skip_locked();
/// noclobber::transaction(conn, |conn| {
///     let drafts = Document::query().filter(documents::title.eq("Draft")).limit(1);
///     for draft in drafts.lock_rows(next).load::<Document, _>(conn)? {
///         Document { title: "Final".into(), ..draft }.save(conn)?;
///     }
///     Ok::<_, noclobber::Error>(())
/// })?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "says how to lock, and locks nothing by itself"]
pub struct RowLock {
    shared: bool,
    taken: Taken,
}

/// What to do about a row that somebody else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Taken {
    Wait,
    Fail,
    Skip,
}

impl RowLock {
    /// The lock of who is going to write the rows: nobody else has one on them at the same time.
    ///
    /// ```
    /// let lock = noclobber::RowLock::for_update();
    /// ```
    pub const fn for_update() -> Self {
        RowLock { shared: false, taken: Taken::Wait }
    }

    /// The lock of who relies on the rows and does not write them: others may do the same.
    ///
    /// Two transactions that share a row cannot both write it afterwards; the database ends one of them
    /// for the deadlock.
    ///
    /// ```
    /// let lock = noclobber::RowLock::for_share();
    /// ```
    pub const fn for_share() -> Self {
        RowLock { shared: true, taken: Taken::Wait }
    }

    /// Does not wait for a row that somebody else has: it is an error at once,
    /// [`Error::Unavailable`](crate::Error::Unavailable) with
    /// [`Reason::LockTimeout`](crate::error::Reason::LockTimeout).
    ///
    /// Sends `NOWAIT`. (MySQL from 8.0.1 on, MariaDB from 10.3 on.)
    ///
    /// ```
    /// let lock = noclobber::RowLock::for_update().no_wait();
    /// ```
    pub const fn no_wait(self) -> Self {
        RowLock { taken: Taken::Fail, ..self }
    }

    /// Leaves out the rows that somebody else has, as if they were not there.
    ///
    /// Sends `SKIP LOCKED`. (MySQL from 8.0.1 on, MariaDB from 10.6 on.) On SQLite nobody else can have
    /// a row: who asks second waits where its transaction begins.
    ///
    /// ```
    /// let lock = noclobber::RowLock::for_update().skip_locked();
    /// ```
    pub const fn skip_locked(self) -> Self {
        RowLock { taken: Taken::Skip, ..self }
    }
}

/// The lock clauses of a database, each behind a space, or nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowLocks {
    pub(super) for_share: Clauses,
    pub(super) for_update: Clauses,
}

/// One lock, by what is done about a row that somebody else has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clauses {
    pub(super) wait: &'static str,
    pub(super) no_wait: &'static str,
    pub(super) skip_locked: &'static str,
}

/// Where the transaction holds all rows already.
pub(super) const NO_CLAUSES: Clauses = Clauses { wait: "", no_wait: "", skip_locked: "" };

impl Dialect {
    /// The clause that stands behind a select for this lock.
    pub(crate) fn row_lock(&self, lock: RowLock) -> &'static str {
        let RowLocks { for_share, for_update } = &self.row_locks;
        let clauses = if lock.shared { for_share } else { for_update };
        match lock.taken {
            Taken::Wait => clauses.wait,
            Taken::Fail => clauses.no_wait,
            Taken::Skip => clauses.skip_locked,
        }
    }
}
