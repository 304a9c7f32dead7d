//! The floors: a database's own C API with prepared statements and nothing above it.

#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;

use super::{Contender, exactly_one};
use crate::Result;
use crate::database::Database;
use crate::workload::FIRST_VERSION;

/// A connection with the guarded write prepared on it.
pub trait Prepared: Sized {
    /// Connects, runs the database's `set_up_sql`, and prepares.
    fn open(database: &dyn Database) -> Result<Self>;

    /// Writes the row, expected at this version, at the next one; the number of rows changed.
    fn write(&mut self, version: i64) -> Result<u64>;

    fn execute_batch(&self, sql: &str) -> Result<()>;
}

/// One statement, which the database runs as a transaction of its own.
pub struct Alone<P> {
    prepared: P,
    version: i64,
}

impl<P: Prepared> Alone<P> {
    fn save_once(&mut self) -> Result<()> {
        exactly_one(self.prepared.write(self.version)?)?;
        self.version += 1;
        Ok(())
    }
}

impl<P: Prepared> Contender for Alone<P> {
    fn set_up(database: &dyn Database) -> Result<Self> {
        Ok(Self { prepared: P::open(database)?, version: FIRST_VERSION })
    }

    fn work(&mut self, times: u32) -> Result<()> {
        (0..times).try_for_each(|_| self.save_once())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        self.prepared.execute_batch(sql)
    }
}
