//! What the contenders on a connection of Diesel's have in common.

use diesel::Connection;

use super::Contender;
use crate::Result;
use crate::database::Database;

/// A way to save through a connection.
pub trait Way<C> {
    type Document: Clone;

    /// Loads the document that is saved.
    fn find(connection: &mut C) -> Result<Self::Document>;

    /// Changes the title and writes the document back, in whatever transactions.
    fn save(document: Self::Document, connection: &mut C) -> Result<Self::Document>;

    fn save_times(
        mut document: Self::Document,
        saves: u32,
        connection: &mut C,
    ) -> Result<Self::Document> {
        for _ in 0..saves {
            document = Self::save(document, connection)?;
        }
        Ok(document)
    }
}

/// A contender that saves in the way `W`.
pub struct Through<C, W: Way<C>> {
    connection: C,
    document: W::Document,
}

impl<C: Connection, W: Way<C>> Contender for Through<C, W> {
    fn set_up(database: &dyn Database) -> Result<Self> {
        let mut connection = C::establish(database.url())?;
        connection.batch_execute(database.set_up_sql())?;
        let document = W::find(&mut connection)?;
        Ok(Self { connection, document })
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        self.document = W::save_times(self.document.clone(), saves, &mut self.connection)?;
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.batch_execute(sql)?)
    }
}
