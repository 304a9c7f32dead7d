//! What the story stands on: a database file, a voice, and eight threads.

use std::error::Error;
use std::thread;

use diesel::SqliteConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use noclobber::backend::sqlite::ConnectionOptions;

pub(crate) type Told = Result<(), Box<dyn Error + Send + Sync>>;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("examples/quickstart/migrations");

/// Runs the story on a new database file, with a connection for each thread and one beside them.
pub(crate) fn on_a_new_file(
    story: impl FnOnce(&Pool<ConnectionManager<SqliteConnection>>) -> Told,
) -> Told {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("story.db").display().to_string();
    let pool = Pool::builder()
        .max_size(9)
        .connection_customizer(Box::new(ConnectionOptions::default()))
        .build(ConnectionManager::new(file))?;
    let mut conn = pool.get()?;
    conn.run_pending_migrations(MIGRATIONS)?;
    noclobber::migrations::run(&mut conn)?;
    drop(conn);
    story(&pool)
}

/// Tells a step of the story, or ends it when it did not turn out as told.
pub(crate) fn tell(as_told: bool, step: &str) -> Told {
    if !as_told {
        return Err(format!("this is not what happened: {step}").into());
    }
    let bullet = anstyle::AnsiColor::Green.on_default().bold();
    anstream::println!("{bullet}*{bullet:#} {step}");
    Ok(())
}

/// Runs the same work in eight threads. A panic in one of them ends the story.
pub(crate) fn in_eight_threads(work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(&work);
        }
    });
}
