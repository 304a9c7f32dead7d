//! How connections to SQLite are to be opened: settings that every one of them needs.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

/// The settings that a connection to SQLite needs for several writers to get along.
///
/// SQLite forgets the busy timeout and the foreign keys with each connection, so they have to be
/// set on every one: by [`apply`](Self::apply) on a connection of your own, or, with the feature
/// `r2d2`, as the customizer of a pool.
///
/// The defaults: wait up to 5 s for another writer, enforce foreign keys, keep a write-ahead log so
/// that readers and the writer do not stop each other. How often SQLite syncs stays as it is
/// (`FULL`): a commit that was answered survives a power failure.
///
/// SQLite has one writer at a time, whatever the number of connections. A pool of *one* connection
/// for writers, beside another pool for readers, is as fast as many and fairer, since writers then
/// queue for the connection instead of polling for the lock.
///
/// ```
/// # #[cfg(feature = "r2d2")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use diesel::SqliteConnection;
/// use diesel::r2d2::{ConnectionManager, Pool};
/// use noclobber::backend::sqlite::ConnectionOptions;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.db");
/// # let path = path.to_str().unwrap();
/// let writers = Pool::builder()
///     .max_size(1)
///     .connection_customizer(Box::new(ConnectionOptions::default()))
///     .build(ConnectionManager::<SqliteConnection>::new(path))?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "r2d2"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionOptions {
    busy_timeout: Duration,
    foreign_keys: bool,
    write_ahead_log: bool,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        ConnectionOptions {
            busy_timeout: Duration::from_secs(5),
            foreign_keys: true,
            write_ahead_log: true,
        }
    }
}

impl ConnectionOptions {
    /// How long a statement waits for another writer before it fails with "database is locked".
    ///
    /// Kept in milliseconds. Zero does not wait at all.
    ///
    /// ```
    /// use noclobber::backend::sqlite::ConnectionOptions;
    /// use std::time::Duration;
    ///
    /// let patient = ConnectionOptions::default().busy_timeout(Duration::from_secs(30));
    /// ```
    #[must_use]
    pub fn busy_timeout(self, busy_timeout: Duration) -> Self {
        ConnectionOptions { busy_timeout, ..self }
    }

    /// Whether foreign keys are enforced.
    ///
    /// ```
    /// use noclobber::backend::sqlite::ConnectionOptions;
    ///
    /// let lax = ConnectionOptions::default().foreign_keys(false);
    /// ```
    #[must_use]
    pub fn foreign_keys(self, foreign_keys: bool) -> Self {
        ConnectionOptions { foreign_keys, ..self }
    }

    /// Whether the database is switched to a write-ahead log. `false` leaves its journal mode as
    /// it is, and does not switch back.
    ///
    /// ```
    /// use noclobber::backend::sqlite::ConnectionOptions;
    ///
    /// let as_it_is = ConnectionOptions::default().write_ahead_log(false);
    /// ```
    #[must_use]
    pub fn write_ahead_log(self, write_ahead_log: bool) -> Self {
        ConnectionOptions { write_ahead_log, ..self }
    }

    /// Applies the settings to one connection.
    ///
    /// Sends `PRAGMA busy_timeout`, `PRAGMA foreign_keys`, and `PRAGMA journal_mode = WAL`.
    ///
    /// # Errors
    ///
    /// The database's own, for instance when the file cannot be opened or is not a database.
    ///
    /// ```
    /// use diesel::prelude::*;
    /// use noclobber::backend::sqlite::ConnectionOptions;
    ///
    /// let mut conn = SqliteConnection::establish(":memory:").unwrap();
    /// ConnectionOptions::default().apply(&mut conn)?;
    /// # diesel::QueryResult::Ok(())
    /// ```
    pub fn apply(&self, conn: &mut SqliteConnection) -> QueryResult<()> {
        let timeout = self.busy_timeout.as_millis().min(i32::MAX as u128);
        let foreign_keys = if self.foreign_keys { "ON" } else { "OFF" };
        conn.batch_execute(&format!(
            "PRAGMA busy_timeout = {timeout}; PRAGMA foreign_keys = {foreign_keys}"
        ))?;
        if self.write_ahead_log { self.switch_to_write_ahead_log(conn) } else { Ok(()) }
    }

    /// Several connections that open a new file at once all want to switch it, and SQLite does not
    /// call the busy handler for that: the losers have to ask again.
    fn switch_to_write_ahead_log(&self, conn: &mut SqliteConnection) -> QueryResult<()> {
        let started = Instant::now();
        loop {
            match conn.batch_execute("PRAGMA journal_mode = WAL") {
                Err(error)
                    if crate::backend::reason(&error).is_some()
                        && started.elapsed() < self.busy_timeout =>
                {
                    std::thread::sleep(Duration::from_millis(fastrand::u64(1..=10)));
                }
                answer => return answer,
            }
        }
    }
}

#[cfg(feature = "r2d2")]
impl diesel::r2d2::CustomizeConnection<SqliteConnection, diesel::r2d2::Error>
    for ConnectionOptions
{
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        self.apply(conn).map_err(diesel::r2d2::Error::QueryError)
    }
}
