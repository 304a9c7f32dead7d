//! rusqlite as its documentation shows it: a cached statement in an immediate transaction.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{Contender, exactly_one};
use crate::Result;
use crate::database::Database;
use crate::workload::{AUTHOR, BODY, FIRST_VERSION, ID, PRICE, UPDATE, UPDATED_AT, VIEWS, title};

pub struct RusqliteCached {
    connection: Connection,
    version: i64,
}

impl Contender for RusqliteCached {
    fn set_up(database: &dyn Database) -> Result<Self> {
        let connection = Connection::open(database.url())?;
        connection.execute_batch(database.set_up_sql())?;
        Ok(Self { connection, version: FIRST_VERSION })
    }

    fn work(&mut self, times: u32) -> Result<()> {
        for _ in 0..times {
            let next_version = self.version + 1;
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let changed = transaction.prepare_cached(UPDATE)?.execute(params![
                title(next_version),
                Some(BODY),
                AUTHOR,
                VIEWS,
                PRICE,
                UPDATED_AT,
                next_version,
                ID,
                self.version,
            ])?;
            exactly_one(changed)?;
            transaction.commit()?;
            self.version = next_version;
        }
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }
}
