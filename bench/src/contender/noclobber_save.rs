//! noclobber: the model's own `save`, alone, in a transaction, and inside an open one.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use noclobber::Store;
use noclobber::prelude::*;

use super::through_diesel::Way;
use crate::Result;
use crate::workload::{ID, documents, title};

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
pub struct Document {
    id: i64,
    title: String,
    body: Option<String>,
    author: String,
    views: i64,
    price: f64,
    updated_at: NaiveDateTime,
    version: i64,
}

impl Document {
    pub fn retitled(self) -> Self {
        Self { title: title(self.version + 1).to_owned(), ..self }
    }
}

/// Each save is a transaction of its own.
pub struct Alone;

impl<C: Store<Document>> Way<C> for Alone {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        Ok(Document::find(ID, connection)?)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        Ok(document.retitled().save(connection)?)
    }
}

/// Each save in a transaction that is begun and committed for it.
#[cfg(feature = "postgres")]
pub struct Transaction;

#[cfg(feature = "postgres")]
impl<C: Store<Document>> Way<C> for Transaction {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        Alone::begin(connection)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        Ok(noclobber::transaction(connection, |connection| document.retitled().save(connection))?)
    }
}

/// All saves of a round share one transaction, whose own cost so disappears among them.
pub struct InTransaction;

impl<C: Store<Document>> Way<C> for InTransaction {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        Alone::begin(connection)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        Alone::work(document, connection)
    }

    fn work_times(mut document: Document, times: u32, connection: &mut C) -> Result<Document> {
        let saved = noclobber::transaction(connection, |connection| {
            for _ in 0..times {
                document = document.retitled().save(connection)?;
            }
            Ok::<_, noclobber::Error>(document)
        })?;
        Ok(saved)
    }
}
