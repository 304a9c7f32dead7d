//! What many write: look at the version, write, read the row back. Three statements where one does.
//!
//! `first` is how one loads a row by its key. Diesel caches the statement, but SQLite prepares it
//! anew each time its LIMIT is bound, which makes up most of what is measured here.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::Contender;
use super::diesel_update::{Document, open};
use crate::Result;
use crate::database::Database;
use crate::workload::documents;

pub struct CheckThenAct {
    connection: SqliteConnection,
    document: Document,
}

impl Contender for CheckThenAct {
    fn set_up(database: &Database) -> Result<Self> {
        let (connection, document) = open(database)?;
        Ok(Self { connection, document })
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        let mut document = self.document.clone();
        for _ in 0..saves {
            let expected = document.version;
            document = document.retitled();
            document = self.connection.transaction(|connection| -> Result<Document> {
                let current = Document::query().find(document.id).first(connection)?;
                if current.version != expected {
                    return Err(format!("the row is at version {}", current.version).into());
                }
                let changed = diesel::update(
                    documents::table
                        .filter(documents::id.eq(document.id))
                        .filter(documents::version.eq(expected)),
                )
                .set(&document)
                .execute(connection)?;
                if changed != 1 {
                    return Err(format!("a save changed {changed} rows").into());
                }
                Ok(Document::query().find(document.id).first(connection)?)
            })?;
        }
        self.document = document;
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.batch_execute(sql)?)
    }
}
