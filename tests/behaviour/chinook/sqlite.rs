//! Chinook on SQLite: a file of its own for each test.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use noclobber::backend::sqlite::ConnectionOptions;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::database::script;
use super::looks::looks;
use super::worker;
pub(crate) use crate::support::Journal;
pub(crate) use crate::support::sqlite::{Conn, run};

/// A transaction waits for the others before it reads: what it has read is never outdated.
pub(crate) const ONE_WRITER_AT_A_TIME: bool = true;

const SCRIPT: &str = "sqlite.sql";

const LIST_TABLES: &str = "SELECT name AS line FROM sqlite_master WHERE type = 'table' ORDER BY 1";

fn list_columns(table: &str) -> String {
    format!("SELECT name AS line FROM pragma_table_info('{table}')")
}

fn quoted(name: &str) -> String {
    format!(r#""{name}""#)
}

/// A value's type is its own, whatever the column's, and its literal tells it.
fn literal(column: &str) -> String {
    format!("quote({})", quoted(column))
}

const VERSION: &str = "quote(version)";

looks!();

/// Fails when somebody has damaged the file.
pub(crate) fn assert_undamaged(conn: &mut Conn) {
    assert_eq!(lines("SELECT integrity_check AS line FROM pragma_integrity_check", conn), ["ok"]);
}

/// A file, and how its writers meet each other: what another process needs to be one of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    path: PathBuf,
    journal: Journal,
}

impl Place {
    pub(crate) fn connect(&self) -> Conn {
        let mut conn = SqliteConnection::establish(self.path.to_str().unwrap()).unwrap();
        self.options().apply(&mut conn).unwrap();
        conn
    }

    fn options(&self) -> ConnectionOptions {
        ConnectionOptions::default()
            .busy_timeout(Duration::from_secs(30))
            .write_ahead_log(self.journal == Journal::Wal)
    }
}

/// A copy of Chinook that goes away with the test.
pub(crate) struct Chinook {
    place: Place,
    // Held for its Drop.
    _folder: TempDir,
}

impl Chinook {
    /// A copy with a version in every table.
    pub(crate) fn fresh(journal: Journal) -> Option<Self> {
        // Loading the script takes a second, copying what came of it some milliseconds.
        static PREPARED: OnceLock<Vec<u8>> = OnceLock::new();
        let script = script(SCRIPT)?;
        let prepared = PREPARED.get_or_init(|| {
            let chinook = Self::loaded(&script);
            add_versions(&mut chinook.connect());
            fs::read(&chinook.place.path).unwrap()
        });
        let chinook = Self::nowhere(journal);
        fs::write(&chinook.place.path, prepared).unwrap();
        Some(chinook)
    }

    /// What the script makes, without versions.
    fn as_it_comes() -> Option<Self> {
        Some(Self::loaded(&script(SCRIPT)?))
    }

    fn loaded(script: &str) -> Self {
        let chinook = Self::nowhere(Journal::Delete);
        // In one transaction: it is fifteen thousand rows long.
        run(&format!("BEGIN; {script}; COMMIT"), &mut chinook.connect());
        chinook
    }

    /// A file that is not there yet.
    fn nowhere(journal: Journal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { path: folder.path().join("chinook.db"), journal };
        Chinook { place, _folder: folder }
    }

    pub(crate) fn connect(&self) -> Conn {
        self.place.connect()
    }

    pub(crate) fn pool(&self, connections: u32) -> Pool<ConnectionManager<Conn>> {
        Pool::builder()
            .max_size(connections)
            .connection_customizer(Box::new(self.place.options()))
            .build(ConnectionManager::new(self.place.path.to_str().unwrap()))
            .unwrap()
    }

    pub(crate) fn place(&self) -> worker::Place {
        worker::Place::Sqlite(self.place.clone())
    }
}

#[test]
fn a_copy_has_the_journal_that_it_was_asked_for() {
    for (journal, mode) in [(Journal::Wal, "wal"), (Journal::Delete, "delete")] {
        let Some(chinook) = Chinook::fresh(journal) else { return };
        let conn = &mut chinook.connect();
        assert_eq!(lines("SELECT journal_mode AS line FROM pragma_journal_mode", conn), [mode]);
    }
}
