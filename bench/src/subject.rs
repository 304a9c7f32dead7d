//! What is measured, and how much of it.

use crate::Result;
use crate::database::{Place, Product};

/// What is measured: every contender of a subject does its work in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A row changed and written back.
    Save,
    /// Leases, and what they make of a save.
    Locks,
    /// All rows changed and written back at once.
    Batch,
}

impl Subject {
    #[cfg(test)]
    pub const ALL: [Self; 3] = [Self::Save, Self::Locks, Self::Batch];

    /// What is done over and over, for the report.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Save => "saves",
            Self::Locks => "operations",
            Self::Batch => "batches of 1000 saves",
        }
    }

    /// Where it is measured.
    pub fn places(self, product: Product) -> Result<&'static [Place]> {
        let places = product.places()?;
        // Nobody shares a database in memory, so nobody takes a lease in one.
        let only_a_file = self == Self::Locks && product == Product::Sqlite;
        Ok(if only_a_file { &[Place::WalFile] } else { places })
    }

    /// Whether instructions are counted beside the time.
    pub fn counts_instructions(self, product: Product) -> bool {
        self == Self::Save && product == Product::Sqlite
    }

    /// How often each contender does its work in a row.
    pub fn times_per_round(self, place: Place) -> u32 {
        match (self, place) {
            // Few enough that SQLite, which checkpoints a log after a thousand pages, never does so
            // by itself. A save changes one page; a lease that is taken and given back changes the
            // lock, its indexes and the history, in two transactions.
            (Self::Save, Place::Memory | Place::WalFile) => 400,
            (Self::Locks, Place::Memory | Place::WalFile) => 60,
            // Each takes as long as all of the others together.
            (Self::Batch, _) => 1,
            // A save through a socket takes so long that these take longer than those.
            #[cfg(feature = "postgres")]
            (_, Place::Postgres) => 100,
            #[cfg(feature = "mysql")]
            (_, Place::Mysql) => 100,
        }
    }
}
