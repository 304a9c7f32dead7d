//! SQLite's C API, alone and in a transaction.

use super::{Alone, Prepared};
use crate::Result;
use crate::contender::Contender;
use crate::database::Database;
use crate::sqlite_c::{Command, Connection, Update, Values};
use crate::workload::{AUTHOR, BODY, ID, PRICE, UPDATE, UPDATED_AT, VIEWS, title};

pub struct Sqlite {
    update: Update,
    // After its statements: SQLite does not close a connection that has one.
    connection: Connection,
}

impl Prepared for Sqlite {
    fn open(database: &dyn Database) -> Result<Self> {
        let connection = Connection::open(database.url())?;
        connection.execute_batch(database.set_up_sql())?;
        let update = connection.prepare_update(UPDATE)?;
        Ok(Self { update, connection })
    }

    fn write(&mut self, version: i64) -> Result<u64> {
        let next_version = version + 1;
        let changed = self.update.run(&Values {
            title: title(next_version),
            body: Some(BODY),
            author: AUTHOR,
            views: VIEWS,
            price: PRICE,
            updated_at: UPDATED_AT,
            next_version,
            id: ID,
            version,
        })?;
        Ok(u64::try_from(changed)?)
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql)
    }
}

/// The statement in an immediate transaction, all three statements prepared.
pub struct InTransaction {
    begin: Command,
    commit: Command,
    // After the statements, for it holds their connection.
    alone: Alone<Sqlite>,
}

impl Contender for InTransaction {
    fn set_up(database: &dyn Database) -> Result<Self> {
        let alone = Alone::<Sqlite>::set_up(database)?;
        let begin = alone.prepared.connection.prepare_command("BEGIN IMMEDIATE")?;
        let commit = alone.prepared.connection.prepare_command("COMMIT")?;
        Ok(Self { begin, commit, alone })
    }

    fn work(&mut self, times: u32) -> Result<()> {
        for _ in 0..times {
            self.begin.run()?;
            self.alone.save_once()?;
            self.commit.run()?;
        }
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        self.alone.execute_batch(sql)
    }
}
