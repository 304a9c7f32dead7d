//! Optimistic locking as one writes it by hand with Diesel: the version in the WHERE clause, and the
//! number of rows looked at.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::exactly_one;
use super::through_diesel::Way;
use crate::Result;
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

/// What one writes for one type of connection. To write it once for all of them would take bounds
/// that nobody has in an application.
pub trait HandWritten: Connection {
    fn load(&mut self, id: i64) -> QueryResult<Document>;

    fn update(&mut self, document: &Document, expected: i64) -> QueryResult<usize>;
}

macro_rules! hand_written {
    ($connection:ty) => {
        impl HandWritten for $connection {
            fn load(&mut self, id: i64) -> QueryResult<Document> {
                Document::query().find(id).first(self)
            }

            fn update(&mut self, document: &Document, expected: i64) -> QueryResult<usize> {
                diesel::update(
                    documents::table
                        .filter(documents::id.eq(document.id))
                        .filter(documents::version.eq(expected)),
                )
                .set(document)
                .execute(self)
            }
        }
    };
}

hand_written!(SqliteConnection);
#[cfg(feature = "postgres")]
hand_written!(PgConnection);
#[cfg(feature = "mysql")]
hand_written!(MysqlConnection);

/// Each update is a transaction of its own.
pub struct Alone;

impl<C: HandWritten> Way<C> for Alone {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        Ok(connection.load(ID)?)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        let expected = document.version;
        let document = document.retitled();
        exactly_one(connection.update(&document, expected)?)?;
        Ok(document)
    }
}

/// As Diesel's guide has it: what is looked at can still be taken back.
pub struct Transaction;

impl<C: HandWritten> Way<C> for Transaction {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        Alone::begin(connection)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        let expected = document.version;
        let document = document.retitled();
        connection.transaction(|connection| -> Result<()> {
            exactly_one(connection.update(&document, expected)?)
        })?;
        Ok(document)
    }
}
