//! Who takes part: each contender saves the same row in its own way.

mod c_api;
mod check_then_act;
mod diesel_update;
mod noclobber_save;
mod rusqlite_cached;

use clap::ValueEnum;

use crate::Result;
use crate::database::Database;

/// A way to save, with its connection open and its row loaded.
///
/// Every implementation writes all six columns and the version under the expected version, and
/// fails unless exactly one row was changed.
pub trait Contender {
    /// Connects to the database, runs its `set_up_sql` and prepares what can be prepared once.
    fn set_up(database: &Database) -> Result<Self>
    where
        Self: Sized;

    /// Changes the title and writes the row back, `saves` times.
    fn save(&mut self, saves: u32) -> Result<()>;

    /// Runs SQL that is not measured. The connection is the contender's own, because a database in
    /// memory cannot be reached through another one.
    fn execute_batch(&mut self, sql: &str) -> Result<()>;
}

/// The contenders, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    CApiTransaction,
    CApiAlone,
    Rusqlite,
    DieselUpdate,
    NoclobberAlone,
    NoclobberInTransaction,
    CheckThenAct,
}

impl Kind {
    /// What every other contender is compared with.
    pub const FLOOR: Self = Self::CApiTransaction;

    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::CApiTransaction => "C API, prepared, BEGIN IMMEDIATE/UPDATE/COMMIT (floor)",
            Self::CApiAlone => "C API, prepared, alone (autocommit)",
            Self::Rusqlite => "rusqlite, `prepare_cached`, immediate transaction",
            Self::DieselUpdate => "hand-written Diesel, `transaction` + `AsChangeset`",
            Self::NoclobberAlone => "noclobber, `save` alone (autocommit)",
            Self::NoclobberInTransaction => "noclobber, `save` inside an open transaction",
            Self::CheckThenAct => "Diesel, SELECT, UPDATE, SELECT back in a transaction",
        }
    }

    /// The contender's name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub fn set_up(self, database: &Database) -> Result<Box<dyn Contender>> {
        fn boxed<C: Contender + 'static>(database: &Database) -> Result<Box<dyn Contender>> {
            Ok(Box::new(C::set_up(database)?))
        }
        match self {
            Self::CApiTransaction => boxed::<c_api::InTransaction>(database),
            Self::CApiAlone => boxed::<c_api::Alone>(database),
            Self::Rusqlite => boxed::<rusqlite_cached::RusqliteCached>(database),
            Self::DieselUpdate => boxed::<diesel_update::DieselUpdate>(database),
            Self::NoclobberAlone => boxed::<noclobber_save::Alone>(database),
            Self::NoclobberInTransaction => boxed::<noclobber_save::InTransaction>(database),
            Self::CheckThenAct => boxed::<check_then_act::CheckThenAct>(database),
        }
    }
}
