//! The floor: SQLite's C API with prepared statements and nothing above it.

use super::Contender;
use crate::Result;
use crate::database::Database;
use crate::sqlite_c::{Command, Connection, Update, Values};
use crate::workload::{AUTHOR, BODY, FIRST_VERSION, ID, PRICE, UPDATE, UPDATED_AT, VIEWS, title};

/// One statement, which SQLite runs as a transaction of its own.
pub struct Alone {
    update: Update,
    // After its statements: SQLite does not close a connection that has one.
    connection: Connection,
    version: i64,
}

impl Alone {
    fn save_once(&mut self) -> Result<()> {
        let next_version = self.version + 1;
        let changed = self.update.run(&Values {
            title: title(next_version),
            body: Some(BODY),
            author: AUTHOR,
            views: VIEWS,
            price: PRICE,
            updated_at: UPDATED_AT,
            next_version,
            id: ID,
            version: self.version,
        })?;
        if changed != 1 {
            return Err(format!("a save changed {changed} rows").into());
        }
        self.version = next_version;
        Ok(())
    }
}

impl Contender for Alone {
    fn set_up(database: &Database) -> Result<Self> {
        let connection = Connection::open(&database.url()?)?;
        connection.execute_batch(&database.set_up_sql())?;
        let update = connection.prepare_update(UPDATE)?;
        Ok(Self { update, connection, version: FIRST_VERSION })
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        (0..saves).try_for_each(|_| self.save_once())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql)
    }
}

/// The statement in an immediate transaction, all three statements prepared.
pub struct InTransaction {
    begin: Command,
    commit: Command,
    // After the statements, for it holds their connection.
    alone: Alone,
}

impl Contender for InTransaction {
    fn set_up(database: &Database) -> Result<Self> {
        let alone = Alone::set_up(database)?;
        let begin = alone.connection.prepare_command("BEGIN IMMEDIATE")?;
        let commit = alone.connection.prepare_command("COMMIT")?;
        Ok(Self { begin, commit, alone })
    }

    fn save(&mut self, saves: u32) -> Result<()> {
        for _ in 0..saves {
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
