//! The library's own tables, `locks` and `lock_events`, as Diesel migrations.
//!
//! Saving needs none of them; they are for those who take locks. There are two ways to get them:
//!
//! * Copy what is in the folder `migrations/<database>` of this crate's source (`sqlite`, `postgres`
//!   or `mysql`) into your own `migrations/`, and run it with all the others. The recommended way:
//!   your migrations stay one list.
//! * Embed them: [`run`] from this module, called by you at a time of your choice. Nothing in this
//!   crate calls it.
//!
//! Diesel keeps the versions of a database's migrations in one table, whoever they belong to. It
//! silently takes two of the same version for one, and it reverts by their order as text. So the
//! versions of these hold the name `noclobber`, and begin with `0000`, before every date that Diesel
//! generates: `diesel migration revert` takes the host's own. (Only `revert --all` does not get by:
//! it meets versions that are in no folder. Copy the folder where that matters.)
//!
//! The tables mean the same on every database, and [`schema`](crate::schema) serves them all. On MySQL
//! and MariaDB the names in them are `VARBINARY`, which `diesel print-schema` takes for binary data: leave
//! `locks` and `lock_events` out of what it prints (`filter = { except_tables = […] }`). On
//! PostgreSQL they come into the first schema of the `search_path`, and are looked for along it.
//!
//! # When a migration fails half way
//!
//! SQLite and PostgreSQL take back all of it. MySQL and MariaDB commit at every `CREATE TABLE` and
//! `DROP TABLE`: what was done before the failure stays, and Diesel does not know of it. Run it again
//! once the cause is gone. These are written so that what is there already is taken as it is. A table
//! of yours that is called `locks` or `lock_events` is not taken for one of these: the migration fails
//! at the first column that it misses, on every run, and changes nothing about that table. (In the
//! second case an empty `locks` stays behind; drop it by hand.)

use diesel::migration::{MigrationVersion, Result};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::backend::{self, SupportedConnection};

/// The migrations for SQLite, as a source for Diesel's own harness.
///
/// ```
/// use diesel::SqliteConnection;
/// use diesel::prelude::*;
/// use diesel_migrations::MigrationHarness;
///
/// let mut conn = SqliteConnection::establish(":memory:").unwrap();
/// assert!(conn.has_pending_migration(noclobber::migrations::SQLITE).unwrap());
/// ```
pub const SQLITE: EmbeddedMigrations = backend::sqlite::MIGRATIONS;

/// The migrations for PostgreSQL, as a source for Diesel's own harness.
///
/// ```
/// use diesel::migration::MigrationSource;
/// # type Pg = diesel::sqlite::Sqlite; // Their names do not depend on it.
///
/// let all = MigrationSource::<Pg>::migrations(&noclobber::migrations::POSTGRES).unwrap();
/// assert_eq!(all[0].name().to_string(), "0000-noclobber-0001_locks");
/// ```
pub const POSTGRES: EmbeddedMigrations = backend::postgres::MIGRATIONS;

/// The migrations for MySQL and MariaDB, as a source for Diesel's own harness.
///
/// ```
/// use diesel::migration::MigrationSource;
/// # type Mysql = diesel::sqlite::Sqlite; // Their names do not depend on it.
///
/// let all = MigrationSource::<Mysql>::migrations(&noclobber::migrations::MYSQL).unwrap();
/// assert_eq!(all[0].name().to_string(), "0000-noclobber-0001_locks");
/// ```
pub const MYSQL: EmbeddedMigrations = backend::mysql::MIGRATIONS;

/// Runs those migrations that the database does not have yet, and gives back their versions.
///
/// Works on every database, also through an enum of connections and a pooled one. Each migration runs
/// in a transaction of its own, which protects less on MySQL and MariaDB:
/// [what that means](self#when-a-migration-fails-half-way). A database that has them all is left as it
/// is.
///
/// # Errors
///
/// Those of the database, and of reading the table in which Diesel keeps the versions.
///
/// ```
/// use diesel::SqliteConnection;
/// use diesel::prelude::*;
///
/// let mut conn = SqliteConnection::establish(":memory:").unwrap();
/// assert_eq!(noclobber::migrations::run(&mut conn).unwrap().len(), 1);
/// assert!(noclobber::migrations::run(&mut conn).unwrap().is_empty());
/// ```
pub fn run<C>(conn: &mut C) -> Result<Vec<MigrationVersion<'static>>>
where
    C: SupportedConnection + MigrationHarness<C::Backend>,
{
    let migrations = backend::dialect(conn).migrations;
    let versions = conn.run_pending_migrations(migrations())?;
    Ok(versions.iter().map(MigrationVersion::as_owned).collect())
}
