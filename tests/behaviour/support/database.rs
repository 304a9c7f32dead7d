//! Databases with a table of documents: in memory, and files in both journal modes.

use std::path::PathBuf;
use std::time::Duration;

use diesel::prelude::*;
use diesel::r2d2::ConnectionManager;
use noclobber::backend::sqlite::ConnectionOptions;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::sqlite::{CREATE_DOCUMENTS, run};

pub(crate) type Pool = diesel::r2d2::Pool<ConnectionManager<SqliteConnection>>;

/// How a file keeps what may have to be undone. Writers meet each other differently in each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Journal {
    Wal,
    Delete,
}

/// A database that is gone when this is dropped.
pub(crate) struct Database {
    // Held for its Drop.
    _folder: Option<TempDir>,
    url: String,
    options: ConnectionOptions,
    journal: Journal,
}

/// A file: what another process needs to know to work on it as well.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    url: String,
    journal: Journal,
}

impl Place {
    pub(crate) fn connect(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(&self.url).unwrap();
        options(self.journal).apply(&mut conn).unwrap();
        conn
    }
}

fn options(journal: Journal) -> ConnectionOptions {
    ConnectionOptions::default()
        .busy_timeout(Duration::from_secs(30))
        .write_ahead_log(journal == Journal::Wal)
}

impl Database {
    pub(crate) fn in_memory() -> Self {
        Database {
            _folder: None,
            url: ":memory:".into(),
            options: ConnectionOptions::default(),
            journal: Journal::Delete,
        }
    }

    pub(crate) fn file(journal: Journal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("test.db");
        let url = path.display().to_string();
        let database = Database { _folder: Some(folder), url, options: options(journal), journal };
        run(CREATE_DOCUMENTS, &mut database.open());
        database
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn place(&self) -> super::place::Place {
        super::place::Place::Sqlite(Place { url: self.url.clone(), journal: self.journal })
    }

    /// A connection to the table. In memory, each has a table of its own.
    pub(crate) fn connect(&self) -> SqliteConnection {
        let mut conn = self.open();
        if self._folder.is_none() {
            run(CREATE_DOCUMENTS, &mut conn);
        }
        conn
    }

    /// A connection that does not wait for other writers.
    pub(crate) fn connect_impatient(&self) -> SqliteConnection {
        let mut conn = self.connect();
        run("PRAGMA busy_timeout = 0", &mut conn);
        conn
    }

    fn open(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(&self.url).unwrap();
        self.options.apply(&mut conn).unwrap();
        conn
    }

    pub(crate) fn pool(&self, size: u32) -> Pool {
        pool(&self.url, self.options, size)
    }
}

pub(crate) fn pool(url: &str, options: ConnectionOptions, size: u32) -> Pool {
    Pool::builder()
        .max_size(size)
        .connection_customizer(Box::new(options))
        .build(ConnectionManager::new(url))
        .unwrap()
}
