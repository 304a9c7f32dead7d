//! All that differs between databases.
//!
//! A [`Dialect`] is a table of facts, one for each database; the other rooms ask it and never which
//! database it is. To support another database is to write another such table.

mod classify;
mod multi_connection;
pub mod mysql;
pub mod postgres;
mod row_lock;
pub mod sqlite;

pub(crate) use self::classify::{is_missing_table, reason};
pub use self::row_lock::RowLock;
use self::row_lock::RowLocks;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::connection::{CacheSize, LoadConnection};
use diesel::query_builder::AstPass;
use diesel::result::Error as DieselError;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, SqlType};
use diesel_migrations::EmbeddedMigrations;

/// How one database does what all of them can do.
///
/// Obtained from a connection by [`HasDialect`]; the dialects themselves are constants of the
/// modules of [`backend`](self), for instance [`sqlite::DIALECT`].
///
/// ```
/// assert_eq!(noclobber::backend::sqlite::DIALECT.name(), "SQLite");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    name: &'static str,
    /// Sent after Diesel's `BEGIN` of an outermost transaction. Sets a savepoint, and does what else
    /// the database needs to begin properly.
    pub(crate) after_begin: &'static str,
    /// Sent before Diesel's `COMMIT`. Releases that savepoint: where the database has rolled the
    /// transaction back meanwhile there is none any more, and that is how it tells.
    pub(crate) before_commit: &'static str,
    /// What makes the look after a miss see the present: a lock clause, or nothing.
    pub(crate) present: &'static str,
    /// What stands before and behind the table's name in a branch that the look ends with. The branch
    /// selects a NULL where a policy may keep rows from this account's sight: there, a row that is not
    /// seen need not be gone.
    pub(crate) hidden: Option<(&'static str, &'static str)>,
    /// A further branch for a look inside a transaction: two NULLs where it sees the transaction's
    /// snapshot, and nothing can make it see the present.
    pub(crate) in_snapshot: &'static str,
    /// What makes a read hold its rows until commit: lock clauses, or nothing where the transaction
    /// holds them already.
    row_locks: RowLocks,
    /// Sent before Diesel's `BEGIN` of a short transaction about leases, where each statement is to see
    /// what is committed by then: nothing where `after_begin_short` says it.
    pub(crate) before_begin_short: &'static str,
    /// In place of `after_begin`, in such a transaction.
    pub(crate) after_begin_short: &'static str,
    /// The present, as milliseconds since 1970 (UTC): read when it is evaluated, and not frozen at the
    /// beginning of the transaction or the statement, which may have waited since.
    pub(crate) now: &'static str,
    /// Queries for a number that is 0 when the server was not told to freeze that too: the second one for
    /// when the first is 1 by chance. None where it cannot be.
    pub(crate) frozen: Option<[&'static str; 2]>,
    /// Asks how many milliseconds the database itself waits for other writers, where it is the connection
    /// that does so.
    #[cfg_attr(not(feature = "r2d2"), expect(dead_code, reason = "asked only for pools"))]
    pub(crate) patience: Option<&'static str>,
    /// Makes an insert of what is there already no error, where the database can say so without
    /// swallowing other errors.
    pub(crate) unless_there: &'static str,
    /// The same for one key, by what stands before and behind its columns. Where there is no such word,
    /// the insert fails, and the transaction outlives that.
    pub(crate) unless_key_there: Option<(&'static str, &'static str)>,
    /// How a guarded write proves its lease.
    pub(crate) proof: Proof,
    /// Whether there is a server at the other end, whose connection can be lost and who may refuse a
    /// lone statement for its isolation level.
    pub(crate) remote: bool,
    /// How the key of a new row is learnt.
    pub(crate) new_key: NewKey,
    /// How many records are written at once.
    pub(crate) batch: Batch,
    /// Whether the client library keeps a query that failed after it had begun to answer, and waits for the
    /// rest of its rows when it is sent again: for ever.
    pub(crate) keeps_failed_queries: bool,
    /// The migrations of the library's own tables.
    pub(crate) migrations: fn() -> EmbeddedMigrations,
}

/// How a guarded write proves that its lease is held.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof {
    /// In the statement of the write: what stands before it, and the condition behind it. Both are texts
    /// of leases, with places.
    Within { before: &'static str, condition: &'static str },
    /// By a statement of its own, which holds the lock's row, in the transaction of the write.
    Before,
}

/// How many records are written at once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Batch {
    /// Each by a statement of its own, one after the other in a transaction.
    Singly,
    /// In one statement whose columns are arrays, for up to so many records.
    Arrays { rows: usize },
    /// Held first, then compared, then written in one statement whose rows are listed in a union: for up to
    /// so many records, as long as there are no more than so many binds. `row` introduces each of them.
    Union { rows: usize, binds: usize, row: &'static str },
}

/// How the key of a new row is learnt.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NewKey {
    /// By `INSERT … RETURNING`.
    Returning,
    /// By asking the connection for the number that it was given last. It keeps that of an earlier
    /// insert when this one was given none, so it is told first to forget it.
    LastInsertId { forget: &'static str, ask: &'static str },
}

impl Dialect {
    /// The database's name, for messages.
    ///
    /// ```
    /// assert_eq!(noclobber::backend::sqlite::DIALECT.name(), "SQLite");
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// How a Diesel backend binds many values of one type at once, where it has arrays.
///
/// A supertrait of [`HasDialect`], so a third-party backend implements it too. One without arrays leaves
/// the method alone: `impl BindArray for MyBackend {}`. It is asked only where the dialect has the
/// batches of PostgreSQL.
///
/// ```
/// fn is_a_backend_that_noclobber_knows<DB: noclobber::backend::BindArray>() {}
/// is_a_backend_that_noclobber_knows::<diesel::sqlite::Sqlite>();
/// ```
#[diagnostic::on_unimplemented(
    message = "noclobber does not know the database behind `{Self}`",
    label = "unknown database",
    note = "enable the feature of your database in `Cargo.toml`: \
            noclobber = {{ version = \"…\", features = [\"sqlite\"] }}"
)]
pub trait BindArray: Backend {
    /// Whether it has arrays.
    #[doc(hidden)]
    const HAS_ARRAYS: bool = false;

    /// One bind for all of `items`: an array.
    #[doc(hidden)]
    fn bind_array<'b, ST, T>(items: &'b Vec<&'b T>, out: AstPass<'_, 'b, Self>) -> QueryResult<()>
    where
        Self: HasSqlType<ST>,
        ST: SqlType + 'static,
        T: ToSql<ST, Self>,
    {
        let _ = (items, out);
        Err(DieselError::QueryBuilderError("this database has no arrays".into()))
    }
}

/// A Diesel backend whose dialect is known.
///
/// Implemented on the *backend*, so that it serves every connection type over it: pooled ones,
/// instrumented ones, wrappers that nobody here has heard of. `C` is the connection, for backends
/// that stand for several databases and have to look which one a connection belongs to
/// ([`multi_connection!`](crate::multi_connection) writes the impl for Diesel's enums).
///
/// A third-party backend that speaks one of the dialects can join in, by
/// `impl<C> HasDialect<C> for MyBackend` with one of the constants of this module. Code that is
/// generic over the backend asks it:
///
/// ```
/// # use diesel::prelude::*;
/// use noclobber::backend::{self, Dialect, HasDialect};
/// # fn dialect_of<C>(conn: &C) -> Dialect
/// # where C: diesel::Connection, C::Backend: HasDialect<C> {
/// let dialect: Dialect = <C::Backend as HasDialect<C>>::dialect(conn);
/// # dialect
/// # }
/// # let conn = diesel::SqliteConnection::establish(":memory:").unwrap();
/// # assert_eq!(dialect_of(&conn).name(), backend::sqlite::DIALECT.name());
/// ```
#[diagnostic::on_unimplemented(
    message = "noclobber does not know the database behind `{C}`",
    label = "unknown database",
    note = "enable the feature of your database in `Cargo.toml`: \
            noclobber = {{ version = \"…\", features = [\"sqlite\"] }}",
    note = "for an enum with `#[derive(diesel::MultiConnection)]`, call \
            `noclobber::multi_connection!` beside it"
)]
pub trait HasDialect<C>: BindArray + 'static {
    /// The dialect of the database behind `conn`.
    ///
    /// ```
    /// use diesel::Connection;
    /// use noclobber::backend::HasDialect;
    ///
    /// let conn = diesel::SqliteConnection::establish(":memory:").unwrap();
    /// assert_eq!(<diesel::sqlite::Sqlite as HasDialect<_>>::dialect(&conn).name(), "SQLite");
    /// ```
    fn dialect(conn: &C) -> Dialect;
}

/// A Diesel connection to a database that noclobber knows.
///
/// Implemented for every connection that can load rows and whose backend
/// [has a dialect](HasDialect). Use it to bound code that is generic over the connection:
///
/// ```
/// # include!("doctest_setup.rs");
/// use noclobber::SupportedConnection;
///
/// fn in_one_go<C: SupportedConnection>(conn: &mut C) -> noclobber::Result<()> {
///     noclobber::transaction(conn, |_| Ok(()))
/// }
/// # fn main() { in_one_go(&mut documents_with_one_row()).unwrap(); }
/// ```
#[diagnostic::on_unimplemented(
    message = "noclobber cannot work through `{Self}`",
    label = "not a connection to a database that noclobber knows",
    note = "pass `&mut` a Diesel connection or a pooled one, and enable the feature of your \
            database in `Cargo.toml`: noclobber = {{ version = \"…\", features = [\"sqlite\"] }}"
)]
pub trait SupportedConnection: LoadConnection<Backend: HasDialect<Self>> {}

impl<C> SupportedConnection for C where C: LoadConnection<Backend: HasDialect<C>> {}

/// Passes on the answer to a query that reads rows. After an error there is nothing left of it that could be
/// sent again.
pub(crate) fn answered<T, C>(answer: QueryResult<T>, conn: &mut C) -> QueryResult<T>
where
    C: SupportedConnection,
{
    answer.inspect_err(|_| forget_failed_queries(conn))
}

/// Has the connection forget its prepared statements, where one that failed must not be sent again. Which one
/// it was nobody can tell it.
#[cold]
pub(crate) fn forget_failed_queries<C: SupportedConnection>(conn: &mut C) {
    if dialect(conn).keeps_failed_queries {
        // The same size once more would leave them where they are.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
}

/// The dialect of the database behind a connection.
#[doc(hidden)]
pub fn dialect<C: SupportedConnection>(conn: &C) -> Dialect {
    <C::Backend as HasDialect<C>>::dialect(conn)
}
