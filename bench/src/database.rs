//! Where a contender saves: a database of its own, in memory or in a file.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Result, workload};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Memory,
    /// A file with a write-ahead log and `synchronous = NORMAL`, as a server would have it.
    WalFile,
}

/// One contender's database; the file, if there is one, is removed when this is dropped.
pub struct Database {
    place: Place,
    directory: TempDir,
}

impl Database {
    pub fn create(place: Place) -> Result<Self> {
        Ok(Self { place, directory: tempfile::tempdir()? })
    }

    /// What SQLite is asked to open.
    pub fn url(&self) -> Result<String> {
        match self.place {
            Place::Memory => Ok(":memory:".to_owned()),
            Place::WalFile => utf8(&self.file()),
        }
    }

    /// What every contender runs once on its connection, whoever opened it.
    pub fn set_up_sql(&self) -> String {
        let pragmas = match self.place {
            Place::Memory => "",
            Place::WalFile => "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
        };
        format!("{pragmas} {}", workload::schema())
    }

    /// Some file systems refuse a write-ahead log, and SQLite then keeps the other journal without
    /// an error.
    pub fn check_journal(&self) -> Result<()> {
        if self.place == Place::Memory {
            return Ok(());
        }
        let connection = rusqlite::Connection::open(self.file())?;
        let mode: String = connection.query_row("PRAGMA journal_mode", (), |row| row.get(0))?;
        if mode == "wal" {
            Ok(())
        } else {
            Err(format!("the file has the journal mode {mode} where wal was asked for").into())
        }
    }

    /// What every contender runs between two rounds, outside the measured time.
    ///
    /// A checkpoint syncs the file once in about a thousand saves. Left to SQLite it would fall
    /// into some rounds and not into others; and since it costs all contenders the same, including
    /// it would only draw the ratios towards 1.
    pub fn between_rounds_sql(&self) -> Option<&'static str> {
        match self.place {
            Place::Memory => None,
            Place::WalFile => Some("PRAGMA wal_checkpoint"),
        }
    }

    /// Where the committed state is copied for `verify`.
    pub fn snapshot(&self) -> PathBuf {
        self.directory.path().join("snapshot.sqlite")
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("documents.sqlite")
    }
}

/// SQLite and Diesel take paths as UTF-8 only.
pub fn utf8(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{} is not a path in UTF-8", path.display()).into())
}
