//! noclobber: the model's own `save`, alone and inside an open transaction.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use noclobber::prelude::*;

use super::Contender;
use crate::Result;
use crate::database::Database;
use crate::workload::{ID, documents, title};

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
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
    fn retitled(self) -> Self {
        Self { title: title(self.version + 1).to_owned(), ..self }
    }
}

/// Each save is a transaction of its own.
pub struct Alone {
    connection: SqliteConnection,
    document: Document,
}

impl Contender for Alone {
    fn set_up(database: &Database) -> Result<Self> {
        let mut connection = SqliteConnection::establish(&database.url()?)?;
        connection.batch_execute(&database.set_up_sql())?;
        let document = Document::find(ID, &mut connection)?;
        Ok(Self { connection, document })
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        let mut document = self.document.clone();
        for _ in 0..saves {
            document = document.retitled().save(&mut self.connection)?;
        }
        self.document = document;
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.batch_execute(sql)?)
    }
}

/// All saves of a round share one transaction, whose own cost so disappears among them.
pub struct InTransaction(Alone);

impl Contender for InTransaction {
    fn set_up(database: &Database) -> Result<Self> {
        Alone::set_up(database).map(Self)
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        let mut document = self.0.document.clone();
        self.0.document = noclobber::transaction(
            &mut self.0.connection,
            |connection| -> Result<Document, noclobber::Error> {
                for _ in 0..saves {
                    document = document.retitled().save(connection)?;
                }
                Ok(document)
            },
        )?;
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        self.0.execute_batch(sql)
    }
}
