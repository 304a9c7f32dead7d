//! SQLite: a database in memory or in a file.

use std::path::Path;

use diesel::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::Database;
use crate::contender::Contender;
use crate::verify::{Expected, verify};
use crate::{Result, workload};

pub struct Sqlite {
    url: String,
    set_up_sql: String,
    is_wal_file: bool,
    /// With the file, if there is one, and the copy that is verified.
    directory: TempDir,
}

impl Sqlite {
    pub fn in_memory() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let set_up_sql = workload::schema("TIMESTAMP");
        Ok(Self { url: ":memory:".to_owned(), set_up_sql, is_wal_file: false, directory })
    }

    pub fn wal_file() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let url = utf8(&directory.path().join("documents.sqlite"))?;
        let schema = workload::schema("TIMESTAMP");
        let set_up_sql =
            format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {schema}");
        Ok(Self { url, set_up_sql, is_wal_file: true, directory })
    }
}

impl Database for Sqlite {
    fn url(&self) -> &str {
        &self.url
    }

    fn set_up_sql(&self) -> &str {
        &self.set_up_sql
    }

    fn join_sql(&self) -> &str {
        "PRAGMA busy_timeout = 30000; PRAGMA synchronous = NORMAL"
    }

    /// Some file systems refuse a write-ahead log, and SQLite then keeps the other journal without
    /// an error.
    fn check_set_up(&self) -> Result<()> {
        if !self.is_wal_file {
            return Ok(());
        }
        let connection = rusqlite::Connection::open(&self.url)?;
        let mode: String = connection.query_row("PRAGMA journal_mode", (), |row| row.get(0))?;
        if mode == "wal" {
            Ok(())
        } else {
            Err(format!("the file has the journal mode {mode} where wal was asked for").into())
        }
    }

    /// A checkpoint syncs the file once in about a thousand saves. Left to SQLite it would fall
    /// into some rounds and not into others; and since it costs all contenders the same, including
    /// it would only draw the ratios towards 1.
    fn between_rounds_sql(&self) -> Option<&'static str> {
        self.is_wal_file.then_some("PRAGMA wal_checkpoint")
    }

    /// `VACUUM INTO` copies the database, in memory or not, into a file, refuses while a transaction
    /// is open, and so shows only what was committed.
    fn verify(&mut self, contender: &mut dyn Contender, expected: Expected) -> Result<()> {
        let snapshot = utf8(&self.directory.path().join("snapshot.sqlite"))?;
        contender.execute_batch(&format!("VACUUM INTO '{}'", snapshot.replace('\'', "''")))?;
        verify(&mut SqliteConnection::establish(&snapshot)?, expected)
    }
}

pub fn name_and_version() -> String {
    format!("SQLite {}", rusqlite::version())
}

/// SQLite and Diesel take paths as UTF-8 only.
fn utf8(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{} is not a path in UTF-8", path.display()).into())
}
