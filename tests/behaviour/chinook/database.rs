//! Chinook as the tests find it: a file of its own for each test, with a version in every table.
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_query;
use diesel::sql_types::Text;
use noclobber::backend::sqlite::ConnectionOptions;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// The tables of Chinook, by the names that the database gives them.
pub(crate) const TABLES: [&str; 11] = [
    "Album",
    "Artist",
    "Customer",
    "Employee",
    "Genre",
    "Invoice",
    "InvoiceLine",
    "MediaType",
    "Playlist",
    "PlaylistTrack",
    "Track",
];

/// How the database keeps what may have to be undone. Writers meet each other differently in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Journal {
    WriteAheadLog,
    Delete,
}

/// A copy of Chinook that goes away with the test.
pub(crate) struct Chinook {
    folder: TempDir,
    journal: Journal,
}

impl Chinook {
    /// A fresh copy; without the database's script, a line that says so.
    pub(crate) fn fresh(journal: Journal) -> Option<Self> {
        // Loading the script takes a second, copying what came of it some milliseconds.
        static PREPARED: OnceLock<Option<Vec<u8>>> = OnceLock::new();
        let Some(prepared) = PREPARED.get_or_init(prepare) else {
            skip();
            return None;
        };
        let chinook = Chinook { folder: tempfile::tempdir().unwrap(), journal };
        fs::write(chinook.path(), prepared).unwrap();
        Some(chinook)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("chinook.db")
    }

    pub(crate) fn journal(&self) -> Journal {
        self.journal
    }

    pub(crate) fn connect(&self) -> SqliteConnection {
        connect(&self.path(), self.journal)
    }

    pub(crate) fn pool(&self, connections: u32) -> Pool<ConnectionManager<SqliteConnection>> {
        Pool::builder()
            .max_size(connections)
            .connection_customizer(Box::new(options(self.journal)))
            .build(ConnectionManager::new(self.path().to_str().unwrap()))
            .unwrap()
    }
}

/// Opens a copy of Chinook as a writer among others.
pub(crate) fn connect(path: &Path, journal: Journal) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    options(journal).apply(&mut conn).unwrap();
    conn
}

fn options(journal: Journal) -> ConnectionOptions {
    ConnectionOptions::default()
        .busy_timeout(Duration::from_secs(30))
        .write_ahead_log(journal == Journal::WriteAheadLog)
}

/// The script that creates Chinook, when there is one.
pub(crate) fn script() -> Option<String> {
    fs::read_to_string(script_path()).ok()
}

fn script_path() -> PathBuf {
    let folder = env::var_os("NOCLOBBER_CHINOOK")
        .map_or_else(|| Path::new("../shared/data/chinook").into(), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("sqlite.sql")
}

/// Says that a test has nothing to work on.
pub(crate) fn skip() {
    println!("skipped: there is no {}; see NOCLOBBER_CHINOOK", script_path().display());
}

/// The file of a database that is ready to be copied.
fn prepare() -> Option<Vec<u8>> {
    let script = script()?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chinook.db");
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    load(&script, &mut conn);
    add_versions(&mut conn);
    drop(conn);
    Some(fs::read(&path).unwrap())
}

/// Runs the script, in one transaction: it is fifteen thousand rows long.
pub(crate) fn load(script: &str, conn: &mut SqliteConnection) {
    conn.batch_execute(&format!("BEGIN; {script}; COMMIT")).unwrap();
}

/// Puts a version behind the columns of every table. The rows that are there begin at 1.
pub(crate) fn add_versions(conn: &mut SqliteConnection) {
    for table in TABLES {
        let add = format!(r#"ALTER TABLE "{table}" ADD COLUMN version BIGINT NOT NULL DEFAULT 1"#);
        conn.batch_execute(&add).unwrap();
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What a query selects as `line`.
pub(crate) fn lines(query: &str, conn: &mut SqliteConnection) -> Vec<String> {
    let lines: Vec<Line> = sql_query(query).load(conn).unwrap();
    lines.into_iter().map(|Line { line }| line).collect()
}

/// Every row of the table to the last bit: the type and the literal of each value, but for the
/// version.
pub(crate) fn bits(table: &str, conn: &mut SqliteConnection) -> Vec<String> {
    let columns = format!("SELECT name AS line FROM pragma_table_info('{table}')");
    let values: Vec<String> = lines(&columns, conn)
        .iter()
        .filter(|column| *column != "version")
        .map(|column| format!(r#"'{column}: ' || typeof("{column}") || ' ' || quote("{column}")"#))
        .collect();
    let values = values.join(" || ', ' || ");
    lines(&format!(r#"SELECT {values} AS line FROM "{table}" ORDER BY rowid"#), conn)
}

#[test]
fn a_copy_has_the_journal_that_it_was_asked_for() {
    for (journal, mode) in [(Journal::WriteAheadLog, "wal"), (Journal::Delete, "delete")] {
        let Some(chinook) = Chinook::fresh(journal) else { return };
        let conn = &mut chinook.connect();
        assert_eq!(lines("SELECT journal_mode AS line FROM pragma_journal_mode", conn), [mode]);
    }
}
