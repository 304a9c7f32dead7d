//! The library's own tables, `locks` and `lock_events`, as Diesel migrations.
//!
//! Saving needs none of them; they are for those who take locks. There are two ways to get them:
//!
//! * Copy the folder `migrations/sqlite` of this crate's source into your own `migrations/`, and
//!   run it with all the others. The recommended way: your migrations stay one list.
//! * Embed them: [`run`] from this module, called by you at a time of your choice. Nothing in this
//!   crate calls it.
//!
//! Diesel keeps the versions of a database's migrations in one table, whoever they belong to. It
//! silently takes two of the same version for one, and it reverts by their order as text. So the
//! versions of these hold the name `noclobber`, and begin with `0000`, before every date that Diesel
//! generates: `diesel migration revert` takes the host's own. (Only `revert --all` does not get by:
//! it meets versions that are in no folder. Copy the folder where that matters.)

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

/// Runs those migrations that the database does not have yet, and gives back their versions.
///
/// Each runs in a transaction of its own. A database that has them all is left as it is.
///
/// # Errors
///
/// Those of the database, and of reading the table in which Diesel keeps the versions; and one that
/// says so where there are no migrations yet: they are there for SQLite.
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
    let dialect = backend::dialect(conn);
    let Some(source) = dialect.migrations else {
        return Err(format!("noclobber has no tables for {} yet", dialect.name()).into());
    };
    let versions = conn.run_pending_migrations(source())?;
    Ok(versions.iter().map(MigrationVersion::as_owned).collect())
}
