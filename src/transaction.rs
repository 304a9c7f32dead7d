//! Writes that belong together: [`transaction`].

use diesel::connection::{Connection, TransactionManager};
use diesel::result::{Error as DieselError, QueryResult};

use crate::backend::{self, SupportedConnection};
use crate::error::{Error, Reason, Result, UnknownOutcome};

/// Runs `work` in a transaction: all of it is written, or nothing.
///
/// What Diesel's own [`transaction`](Connection::transaction) does, and where that one can surprise:
///
/// * On SQLite it begins with `BEGIN IMMEDIATE`. A transaction that reads first and then writes
///   fails otherwise with "database is locked" as soon as anybody else has written in between,
///   whatever the busy timeout says.
/// * When `work` panics, the transaction is rolled back. Diesel leaves it open, and the next one
///   becomes a savepoint inside it.
/// * The error of `work` is what comes back, also when the rollback fails after it.
/// * It never answers `Ok` for a transaction that is no longer there: because the database has
///   rolled it back, after an error that was ignored inside `work`, or because `work` has ended it
///   by hand. Such a one is [`Error::RolledBack`].
///
/// Inside another transaction it is a savepoint. (One that was begun by SQL text, behind Diesel's
/// back, is not seen.) Models that `work` produced claim versions that
/// their rows have only when the outermost transaction is committed; when it is not, drop them.
/// What cannot be rolled back (a mail, an event) belongs after the call.
///
/// Sends `BEGIN`, what the database needs beside it, and `SAVEPOINT noclobber_alive`; at the end
/// `RELEASE SAVEPOINT noclobber_alive`, which fails when the transaction is no longer the same, and
/// `COMMIT`. Inside another transaction: `SAVEPOINT`, and `RELEASE SAVEPOINT`.
///
/// On MySQL and MariaDB, one that is not committed also empties Diesel's cache of prepared statements; the page
/// on [that database](crate::backend::mysql) says why.
///
/// # Errors
///
/// Those of `work`; [`Error::RolledBack`]; and those of beginning and committing, among them
/// [`Error::Unavailable`] when the database was busy ([`retry`](crate::retry()) runs it again then),
/// and [`Error::UnknownOutcome`] when the connection was lost during COMMIT.
///
/// ```
/// # include!("doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let error = noclobber::transaction(conn, |conn| {
///     let document = Document::find(1, conn)?;
///     Document { title: "Never seen".into(), ..document }.save(conn)?;
///     Document::find(99, conn)
/// })
/// .unwrap_err();
///
/// assert!(error.is_not_found());
/// assert_eq!(Document::find(1, conn)?.title, "Draft");
/// # Ok(())
/// # }
/// ```
///
/// When its result goes through `?`, the closure has to say its error:
/// `|conn| -> Result<_, AppError> { … }`.
pub fn transaction<C, R, E>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<R, E>) -> Result<R, E>
where
    C: SupportedConnection,
    E: From<Error>,
{
    let mut open = Open::begin(conn)?;
    // It may fail by a query of the host's, which nobody else sees to.
    open.forgets = true;
    run(open, work)
}

/// A [`transaction`] of statements that the executor carries.
pub(crate) fn of_statements<C, R, E>(
    conn: &mut C,
    work: impl FnOnce(&mut C) -> Result<R, E>,
) -> Result<R, E>
where
    C: SupportedConnection,
    E: From<Error>,
{
    run(Open::begin(conn)?, work)
}

/// A transaction [of statements](of_statements) whose failure may be followed by another attempt: answers
/// beside the error whether all of it is undone. It is not when the database has ended the transaction by
/// itself, or the connection.
pub(crate) fn attempt<C, R, E>(
    conn: &mut C,
    work: impl FnOnce(&mut C) -> Result<R, E>,
) -> Result<R, (E, bool)>
where
    C: SupportedConnection,
    E: From<Error>,
{
    let open = Open::begin(conn).map_err(|error| (error.into(), false))?;
    match work(open.conn) {
        Ok(value) => open.commit().map(|()| value).map_err(|error| (error.into(), false)),
        Err(error) => Err((error, open.undo())),
    }
}

/// A transaction of its own for a few statements, each of which is to see what is committed by
/// then, whatever level the connection is set to. Nested, it is a savepoint like any other.
pub(crate) fn short<C, R, E>(
    conn: &mut C,
    work: impl FnOnce(&mut C) -> Result<R, E>,
) -> Result<R, E>
where
    C: SupportedConnection,
    E: From<Error>,
{
    run(Open::begin_short(conn)?, work)
}

fn run<C, R, E>(open: Open<'_, C>, work: impl FnOnce(&mut C) -> Result<R, E>) -> Result<R, E>
where
    C: SupportedConnection,
    E: From<Error>,
{
    let value = work(open.conn)?;
    open.commit()?;
    Ok(value)
}

/// How many transactions and savepoints are open.
///
/// Here and in [`is_alone`] Diesel is asked for it, and nowhere else: the method it takes is public
/// and not in Diesel's documentation.
pub(crate) fn depth<C: Connection>(conn: &mut C) -> QueryResult<u32> {
    let depth = C::TransactionManager::transaction_manager_status_mut(conn).transaction_depth()?;
    Ok(depth.map_or(0, std::num::NonZeroU32::get))
}

/// Whether a statement that is sent now is a transaction of its own, on a connection that can be lost
/// under it. An embedded database is not asked: nothing of what depends on the answer happens there.
#[inline]
pub(crate) fn is_alone<C: SupportedConnection>(conn: &mut C) -> bool {
    if !backend::dialect(conn).remote {
        return false;
    }
    let status = C::TransactionManager::transaction_manager_status_mut(conn);
    matches!(status.transaction_depth(), Ok(None))
}

/// A transaction that is rolled back unless it is committed: after an error, and after a panic.
struct Open<'a, C: SupportedConnection> {
    conn: &'a mut C,
    /// The depth that was there before.
    outside: u32,
    /// Whether the connection [forgets](backend::forget_failed_queries) when it is not committed.
    forgets: bool,
}

impl<'a, C: SupportedConnection> Open<'a, C> {
    fn begin(conn: &'a mut C) -> Result<Self> {
        let after_begin = backend::dialect(conn).after_begin;
        Self::begin_by("", after_begin, conn)
    }

    fn begin_short(conn: &'a mut C) -> Result<Self> {
        let dialect = backend::dialect(conn);
        Self::begin_by(dialect.before_begin_short, dialect.after_begin_short, conn)
    }

    /// Inside another transaction it is a savepoint, and neither text is sent.
    fn begin_by(before: &str, after: &str, conn: &'a mut C) -> Result<Self> {
        let outside = depth(conn)?;
        if outside == 0 && !before.is_empty() {
            conn.batch_execute(before)?;
        }
        C::TransactionManager::begin_transaction(conn)?;
        let open = Open { conn, outside, forgets: false };
        if outside == 0 {
            open.conn.batch_execute(after)?;
        }
        Ok(open)
    }

    /// Whether it was rolled back, and nothing else had ended it before.
    fn undo(self) -> bool {
        depth(self.conn).is_ok_and(|depth| depth == self.outside + 1)
            && C::TransactionManager::rollback_transaction(self.conn).is_ok()
    }

    fn commit(mut self) -> Result<()> {
        self.end()?;
        self.forgets = false;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        // `work` may have ended more than it began, or less: what is open now is not ours to commit.
        if depth(self.conn)? != self.outside + 1 {
            return Err(Error::RolledBack(DieselError::NotInTransaction));
        }
        if self.outside > 0 {
            return C::TransactionManager::commit_transaction(self.conn).map_err(not_released);
        }
        let before_commit = backend::dialect(self.conn).before_commit;
        self.conn.batch_execute(before_commit).map_err(not_released)?;
        C::TransactionManager::commit_transaction(self.conn).map_err(|error| match backend::reason(
            &error,
        ) {
            Some(Reason::ConnectionLost) => Error::UnknownOutcome(UnknownOutcome::of_commit(error)),
            _ => error.into(),
        })
    }
}

/// A savepoint that could not be released: it is gone, and the transaction with it. Or the statement met
/// what any other may meet, and no COMMIT has been sent.
fn not_released(error: DieselError) -> Error {
    match backend::reason(&error) {
        Some(_) => error.into(),
        None => Error::RolledBack(error),
    }
}

impl<C: SupportedConnection> Drop for Open<'_, C> {
    /// After a commit there is nothing left to do.
    fn drop(&mut self) {
        // More than one step when `work` left transactions open that it began by hand. A step that
        // fails still counts, as long as Diesel takes it for one.
        let mut last = u32::MAX;
        while let Ok(depth) = depth(self.conn)
            && depth > self.outside
            && depth < last
        {
            last = depth;
            let _ = C::TransactionManager::rollback_transaction(self.conn);
        }
        if self.forgets {
            backend::forget_failed_queries(self.conn);
        }
    }
}
