//! Reads that hold their rows until the transaction ends: of one record by its key, and of any query.

use diesel::query_builder::{AsQuery, SelectQuery};

use super::outcome;
use super::store::{LoadLocked, Seen, Store};
use crate::backend::{RowLock, SupportedConnection};
use crate::error::{Error, Result};
use crate::model::{Versioned, record};
use crate::transaction::depth;

/// The record with this key, as [`find_for_update`](crate::VersionedDsl::find_for_update) and
/// [`find_for_share`](crate::VersionedDsl::find_for_share) are going to load and lock it.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::FindLocked;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let find: FindLocked<Document> = Document::find_for_update(1).no_wait();
/// let document = noclobber::transaction(conn, |conn| find.load(conn)?.touch(conn))?;
/// assert_eq!(document.version, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `load`"]
pub struct FindLocked<M: Versioned> {
    key: M::Key,
    lock: RowLock,
}

impl<M: Versioned> FindLocked<M> {
    pub(super) fn new(key: M::Key, lock: RowLock) -> Self {
        FindLocked { key, lock }
    }

    /// Does not wait for somebody else who has the row: see [`RowLock::no_wait`].
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// noclobber::transaction(conn, |conn| Document::find_for_update(1).no_wait().load(conn))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn no_wait(self) -> Self {
        FindLocked { lock: self.lock.no_wait(), ..self }
    }

    /// Is content without the record when somebody else has the row: see [`RowLock::skip_locked`].
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// noclobber::transaction(conn, |conn| {
    ///     if let Some(document) = Document::find_for_update(1).skip_locked().load(conn)? {
    ///         document.touch(conn)?;
    ///     }
    ///     Ok::<_, noclobber::Error>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn skip_locked(self) -> FindUnlessLocked<M> {
        FindUnlessLocked { key: self.key, lock: self.lock.skip_locked() }
    }

    /// Loads the record, and holds its row until the transaction ends.
    ///
    /// Sends the statement of [`find`](crate::VersionedDsl::find) with the clause of its [`RowLock`]
    /// behind it.
    ///
    /// # Errors
    ///
    /// [`Error::NotInTransaction`] when none is open, since the row would be let go at once;
    /// [`Error::NotFound`] when there is no such record, or none that a policy of the database lets this
    /// account write; [`Error::KeyNotUnique`] when there are several; [`Error::Unavailable`] when the
    /// row was not to be had in time (with [`no_wait`](Self::no_wait), at once), or when the transaction
    /// reads from a snapshot that is older than what the row holds now.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// noclobber::transaction(conn, |conn| {
    ///     let document = Document::find_for_update(1).load(conn)?;
    ///     // Nobody else comes in between.
    ///     document.touch(conn)
    /// })?;
    /// assert!(Document::find_for_update(1).load(conn).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn load<C: Store<M>>(self, conn: &mut C) -> Result<M> {
        locked(&self.key, self.lock, conn)?.ok_or_else(|| Error::NotFound(record::<M>(&self.key)))
    }
}

/// The record with this key, unless somebody else has its row: what
/// [`FindLocked::skip_locked`] makes.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::FindUnlessLocked;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let find: FindUnlessLocked<Document> = Document::find_for_share(1).skip_locked();
/// assert!(noclobber::transaction(conn, |conn| find.load(conn))?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `load`"]
pub struct FindUnlessLocked<M: Versioned> {
    key: M::Key,
    lock: RowLock,
}

impl<M: Versioned> FindUnlessLocked<M> {
    /// Loads the record and holds its row until the transaction ends, or answers `None` at once: somebody
    /// else has it, or there is no such record. The statement does not tell which.
    ///
    /// Sends the statement of [`find`](crate::VersionedDsl::find) with the clause of its [`RowLock`]
    /// behind it.
    ///
    /// # Errors
    ///
    /// As [`FindLocked::load`], but for [`Error::NotFound`].
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let nobody = noclobber::transaction(conn, |conn| {
    ///     Document::find_for_update(404).skip_locked().load(conn)
    /// })?;
    /// assert!(nobody.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn load<C: Store<M>>(self, conn: &mut C) -> Result<Option<M>> {
        locked(&self.key, self.lock, conn)
    }
}

/// The record with this key at this version, as
/// [`find_for_update_at`](crate::VersionedDsl::find_for_update_at) is going to load and lock it.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::FindLockedAt;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let find: FindLockedAt<Document> = Document::find_for_update_at(1, 1);
/// noclobber::transaction(conn, |conn| find.load(conn)?.touch(conn))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `load`"]
pub struct FindLockedAt<M: Versioned> {
    key: M::Key,
    expected: M::Version,
    lock: RowLock,
}

impl<M: Versioned> FindLockedAt<M> {
    pub(super) fn new(key: M::Key, expected: M::Version, lock: RowLock) -> Self {
        FindLockedAt { key, expected, lock }
    }

    /// Does not wait for somebody else who has the row: see [`RowLock::no_wait`].
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// noclobber::transaction(conn, |conn| Document::find_for_update_at(1, 1).no_wait().load(conn))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn no_wait(self) -> Self {
        FindLockedAt { lock: self.lock.no_wait(), ..self }
    }

    /// Loads the record and holds its row until the transaction ends, if it is at this version still.
    ///
    /// Sends the statement of [`FindLocked::load`], and, when that has found nothing, a
    /// `SELECT version` to see why.
    ///
    /// # Errors
    ///
    /// [`Error::ConcurrentModification`] when the record has another version or is gone, or
    /// (`Found::Vetoed`) when a policy of the database lets this account see it and not write it; the row
    /// of another version stays locked as well. Otherwise as [`FindLocked::load`], but for
    /// [`Error::NotFound`].
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// Document::find(1, conn)?.touch(conn)?;
    /// let late = noclobber::transaction(conn, |conn| Document::find_for_update_at(1, 1).load(conn));
    /// assert!(late.unwrap_err().is_conflict());
    /// # Ok(())
    /// # }
    /// ```
    pub fn load<C: Store<M>>(self, conn: &mut C) -> Result<M> {
        let FindLockedAt { key, expected, lock } = self;
        let look = match locked::<M, C>(&key, lock, conn)? {
            Some(model) if *model.version() == expected => return Ok(model),
            Some(model) => Ok(Seen::Version(model.version().clone())),
            // Nothing that could be held; a policy may let the row be seen all the same.
            None => conn.__look_inside(&key),
        };
        Err(outcome::refusal::<M>(look, &key, &expected, false))
    }
}

/// The record with this key, locked, if there is one to be had.
pub(super) fn locked<M: Versioned, C: Store<M>>(
    key: &M::Key,
    lock: RowLock,
    conn: &mut C,
) -> Result<Option<M>> {
    inside_a_transaction(conn)?;
    super::find::one::<M>(key, conn.__select_locked(key, lock)?)
}

fn inside_a_transaction<C: SupportedConnection>(conn: &mut C) -> Result<()> {
    if depth(conn)? == 0 { Err(Error::NotInTransaction) } else { Ok(()) }
}

/// Row locks for any select of Diesel's, on every database.
///
/// Diesel's own `for_update` is there for PostgreSQL and MySQL, each with its own words, and not for
/// SQLite. Bring this one into scope with the [`prelude`](crate::prelude).
pub trait LockRowsDsl: Sized + AsQuery<Query: SelectQuery> {
    /// Makes the select lock the rows that it reads until the transaction ends.
    ///
    /// It is the last word of a query: [`load`](LockedRows::load) comes behind it. Of a join, the rows of
    /// all its tables are locked. A database refuses it for what is no row of a table any more
    /// (`DISTINCT`, `GROUP BY`, `UNION`).
    ///
    /// A queue, from which each worker takes the next job that nobody has:
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel::connection::SimpleConnection;
    /// # use noclobber::prelude::*;
    /// use noclobber::{RowLock, SupportedConnection};
    ///
    /// # diesel::table! { jobs (id) { id -> BigInt, state -> Text, version -> BigInt } }
    /// #[derive(Debug, Clone, HasQuery, Versioned)]
    /// #[diesel(table_name = jobs)]
    /// struct Job { id: i64, state: String, version: i64 }
    ///
    /// fn next_job(conn: &mut SqliteConnection) -> noclobber::Result<Option<Job>> {
    ///     let open = Job::query().filter(jobs::state.eq("open")).order(jobs::id).limit(1);
    ///     let mut jobs = open.lock_rows(RowLock::for_update().skip_locked()).load::<Job, _>(conn)?;
    ///     Ok(jobs.pop())
    /// }
    ///
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    /// # conn.batch_execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT NOT NULL,
    /// #     version BIGINT NOT NULL DEFAULT 1); INSERT INTO jobs (state) VALUES ('open')").unwrap();
    /// let done = noclobber::transaction(conn, |conn| match next_job(conn)? {
    ///     Some(job) => Job { state: "done".into(), ..job }.save(conn).map(Some),
    ///     None => Ok(None),
    /// })?;
    /// assert_eq!(done.unwrap().version, 2);
    /// # assert!(noclobber::transaction(conn, next_job)?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    fn lock_rows(self, lock: RowLock) -> LockedRows<Self::Query> {
        LockedRows { query: self.as_query(), lock }
    }
}

#[diagnostic::do_not_recommend]
impl<Q: AsQuery<Query: SelectQuery>> LockRowsDsl for Q {}

/// A select that locks its rows: what [`lock_rows`](LockRowsDsl::lock_rows) makes.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::RowLock;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let titles = documents::table.select(documents::title).lock_rows(RowLock::for_share());
/// let titles: Vec<String> = noclobber::transaction(conn, |conn| titles.load(conn))?;
/// assert_eq!(titles, ["Draft"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing is sent before `load`"]
pub struct LockedRows<Q> {
    query: Q,
    lock: RowLock,
}

impl<Q> LockedRows<Q> {
    /// Loads the rows, and holds them until the transaction ends.
    ///
    /// Sends the query with the clause of its [`RowLock`] behind it. Where that has rows to wait for,
    /// what comes back is as they are afterwards: on PostgreSQL a row that no longer fits the `WHERE` is
    /// left out, and one that moved in the order stays at its place.
    ///
    /// # Errors
    ///
    /// [`Error::NotInTransaction`] when none is open, since the rows would be let go at once;
    /// [`Error::Unavailable`] when a row was not to be had in time
    /// ([at once](RowLock::no_wait), where that was asked for), when two who lock several rows wait for
    /// each other, or when the transaction reads from a snapshot that is older than what a row holds now.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// use noclobber::RowLock;
    ///
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// noclobber::transaction(conn, |conn| {
    ///     let all = Document::query().order(documents::id).lock_rows(RowLock::for_update());
    ///     for document in all.load::<Document, _>(conn)? {
    ///         document.touch(conn)?;
    ///     }
    ///     Ok::<_, noclobber::Error>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn load<'query, U, C: LoadLocked<'query, Q, U>>(self, conn: &mut C) -> Result<Vec<U>> {
        inside_a_transaction(conn)?;
        Ok(conn.__load_locked(self.query, self.lock)?)
    }
}
