//! Who takes part: each contender works on the same row in its own way.

mod batches;
mod c_api;
mod check_then_act;
mod entrants;
mod hand_written;
mod noclobber_locks;
pub mod noclobber_save;
mod rusqlite_cached;
pub mod through_diesel;

use std::fmt::Display;

use clap::ValueEnum;

pub use self::entrants::Entrant;
use crate::Result;
use crate::database::Database;

/// A way to work, with its connection open and its row loaded.
///
/// Who saves writes all six columns and the version under the expected version, and fails unless
/// exactly one row was changed.
pub trait Contender {
    /// Connects to the database, runs its `set_up_sql` and prepares what can be prepared once.
    fn set_up(database: &dyn Database) -> Result<Self>
    where
        Self: Sized;

    /// Does its work, `times` times: changes the title and writes the row back, say.
    fn work(&mut self, times: u32) -> Result<()>;

    /// Runs SQL that is not measured. The connection is the contender's own, because a database in
    /// memory cannot be reached through another one.
    fn execute_batch(&mut self, sql: &str) -> Result<()>;
}

/// The ways to work, whatever database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    CApiTransaction,
    CApiAlone,
    Rusqlite,
    DieselAlone,
    DieselTransaction,
    NoclobberAlone,
    NoclobberTransaction,
    NoclobberInTransaction,
    CheckThenAct,
    NoclobberGuarded,
    NoclobberRenewal,
    NoclobberGrant,
    NoclobberBatch,
    NoclobberOneByOne,
    DieselOneByOne,
}

impl Kind {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// What every contender asks of its statement.
fn exactly_one<T: PartialEq + From<u8> + Display>(changed: T) -> Result<()> {
    if changed == T::from(1) {
        Ok(())
    } else {
        Err(format!("a save changed {changed} rows").into())
    }
}
