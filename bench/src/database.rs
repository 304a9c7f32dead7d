//! Where contenders save.

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
mod sqlite;

use clap::ValueEnum;

use crate::Result;
use crate::contender::Contender;
use crate::verify::Expected;

/// One contender's database with its table, gone when this is dropped.
pub trait Database {
    /// What is asked to be opened.
    fn url(&self) -> &str;

    /// What every contender runs once on its connection, whoever opened it.
    fn set_up_sql(&self) -> &str;

    /// What every further connection runs, once there is a table.
    fn join_sql(&self) -> &str {
        self.set_up_sql()
    }

    /// Looks whether the set-up had its effect.
    fn check_set_up(&self) -> Result<()> {
        Ok(())
    }

    /// What every contender runs between two rounds, outside the measured time.
    fn between_rounds_sql(&self) -> Option<&'static str> {
        None
    }

    /// Fails unless the database holds what has to be there.
    fn verify(&mut self, contender: &mut dyn Contender, expected: Expected) -> Result<()>;
}

/// What can be picked to be measured; it has the name of the library's feature for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Product {
    Sqlite,
    /// Found by `NOCLOBBER_POSTGRES_URL`.
    Postgres,
    /// Or MariaDB; found by `NOCLOBBER_MYSQL_URL`.
    Mysql,
}

impl Product {
    /// Those that this program was built with.
    pub fn built_in() -> Vec<Self> {
        Self::value_variants().iter().copied().filter(|product| product.places().is_ok()).collect()
    }

    /// Where it is measured.
    pub fn places(self) -> Result<&'static [Place]> {
        match self {
            Self::Sqlite => Ok(&[Place::Memory, Place::WalFile]),
            #[cfg(feature = "postgres")]
            Self::Postgres => Ok(&[Place::Postgres]),
            #[cfg(feature = "mysql")]
            Self::Mysql => Ok(&[Place::Mysql]),
            #[cfg(not(all(feature = "postgres", feature = "mysql")))]
            absent => Err(absent.is_not_built_in()),
        }
    }

    /// For the report; fails when there is no way to it.
    pub fn name_and_version(self) -> Result<String> {
        match self {
            Self::Sqlite => Ok(sqlite::name_and_version()),
            #[cfg(feature = "postgres")]
            Self::Postgres => server::name_and_version::<diesel::PgConnection>(),
            #[cfg(feature = "mysql")]
            Self::Mysql => server::name_and_version::<diesel::MysqlConnection>(),
            #[cfg(not(all(feature = "postgres", feature = "mysql")))]
            absent => Err(absent.is_not_built_in()),
        }
    }

    #[cfg(not(all(feature = "postgres", feature = "mysql")))]
    fn is_not_built_in(self) -> Box<dyn std::error::Error> {
        format!("{self:?} is not built in; `cargo xtask bench` does so").into()
    }
}

/// A kind of database, as far as it makes a difference for a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Memory,
    /// A file with a write-ahead log and `synchronous = NORMAL`, as a server would have it.
    WalFile,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "mysql")]
    Mysql,
}

impl Place {
    /// What the columns of the report call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Memory => "in memory",
            Self::WalFile => "WAL file",
            #[cfg(feature = "postgres")]
            Self::Postgres => "server",
            #[cfg(feature = "mysql")]
            Self::Mysql => "server",
        }
    }

    pub fn create(self) -> Result<Box<dyn Database>> {
        match self {
            Self::Memory => Ok(Box::new(sqlite::Sqlite::in_memory()?)),
            Self::WalFile => Ok(Box::new(sqlite::Sqlite::wal_file()?)),
            #[cfg(feature = "postgres")]
            Self::Postgres => Ok(Box::new(server::Schema::<diesel::PgConnection>::create()?)),
            #[cfg(feature = "mysql")]
            Self::Mysql => Ok(Box::new(server::Schema::<diesel::MysqlConnection>::create()?)),
        }
    }
}
