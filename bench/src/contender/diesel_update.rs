//! Optimistic locking as one writes it by hand with Diesel: the version in the WHERE clause, the
//! number of rows looked at, in a transaction.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::Contender;
use crate::Result;
use crate::database::Database;
use crate::workload::{ID, documents, title};

// `None` is to be written: a save that leaves the old value would not be a save.
#[derive(Debug, Clone, HasQuery, Identifiable, AsChangeset)]
#[diesel(table_name = documents, treat_none_as_null = true)]
pub struct Document {
    pub id: i64,
    pub title: String,
    pub body: Option<String>,
    pub author: String,
    pub views: i64,
    pub price: f64,
    pub updated_at: NaiveDateTime,
    pub version: i64,
}

impl Document {
    /// The document with another title, at its next version.
    pub fn retitled(self) -> Self {
        let version = self.version + 1;
        Self { title: title(version).to_owned(), version, ..self }
    }
}

/// Connects, creates the row and loads it.
pub fn open(database: &Database) -> Result<(SqliteConnection, Document)> {
    let mut connection = SqliteConnection::establish(&database.url()?)?;
    connection.batch_execute(&database.set_up_sql())?;
    let document = Document::query().find(ID).first(&mut connection)?;
    Ok((connection, document))
}

pub struct DieselUpdate {
    connection: SqliteConnection,
    document: Document,
}

impl Contender for DieselUpdate {
    fn set_up(database: &Database) -> Result<Self> {
        let (connection, document) = open(database)?;
        Ok(Self { connection, document })
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        let mut document = self.document.clone();
        for _ in 0..saves {
            let expected = document.version;
            document = document.retitled();
            self.connection.transaction(|connection| -> Result<()> {
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
                Ok(())
            })?;
        }
        self.document = document;
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.batch_execute(sql)?)
    }
}
