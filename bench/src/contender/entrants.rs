//! The contenders on each database, in the order of the report. The first one is the floor, with
//! which the others are compared.

#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::SqliteConnection;

use super::through_diesel::Through;
use super::{
    Contender, Kind, c_api, check_then_act, hand_written, noclobber_save, rusqlite_cached,
};
use crate::Result;
use crate::database::{Database, Place};

/// A contender that has not been set up yet.
pub struct Entrant {
    pub kind: Kind,
    /// What the report calls it.
    pub label: &'static str,
    set_up: fn(&dyn Database) -> Result<Box<dyn Contender>>,
}

impl Entrant {
    const fn new<C: Contender + 'static>(kind: Kind, label: &'static str) -> Self {
        Self { kind, label, set_up: |database| Ok(Box::new(C::set_up(database)?)) }
    }

    pub fn set_up(&self, database: &dyn Database) -> Result<Box<dyn Contender>> {
        (self.set_up)(database)
    }
}

impl Place {
    pub fn entrants(self) -> &'static [Entrant] {
        match self {
            Self::Memory | Self::WalFile => SQLITE,
            #[cfg(feature = "postgres")]
            Self::Postgres => POSTGRES,
            #[cfg(feature = "mysql")]
            Self::Mysql => MYSQL,
        }
    }
}

const SQLITE: &[Entrant] = &[
    Entrant::new::<c_api::sqlite::InTransaction>(
        Kind::CApiTransaction,
        "C API, prepared, BEGIN IMMEDIATE/UPDATE/COMMIT (floor)",
    ),
    Entrant::new::<c_api::Alone<c_api::sqlite::Sqlite>>(
        Kind::CApiAlone,
        "C API, prepared, alone (autocommit)",
    ),
    Entrant::new::<rusqlite_cached::RusqliteCached>(
        Kind::Rusqlite,
        "rusqlite, `prepare_cached`, immediate transaction",
    ),
    Entrant::new::<Through<SqliteConnection, hand_written::Transaction>>(
        Kind::DieselTransaction,
        "hand-written Diesel, `transaction` + `AsChangeset`",
    ),
    Entrant::new::<Through<SqliteConnection, noclobber_save::Alone>>(
        Kind::NoclobberAlone,
        "noclobber, `save` alone (autocommit)",
    ),
    Entrant::new::<Through<SqliteConnection, noclobber_save::InTransaction>>(
        Kind::NoclobberInTransaction,
        "noclobber, `save` inside an open transaction",
    ),
    Entrant::new::<Through<SqliteConnection, check_then_act::CheckThenAct>>(
        Kind::CheckThenAct,
        "Diesel, SELECT, UPDATE, SELECT back in a transaction",
    ),
];

#[cfg(feature = "postgres")]
const POSTGRES: &[Entrant] = &[
    Entrant::new::<c_api::Alone<c_api::postgres::Postgres>>(
        Kind::CApiAlone,
        "libpq, prepared, alone (autocommit; floor)",
    ),
    Entrant::new::<Through<PgConnection, noclobber_save::Alone>>(
        Kind::NoclobberAlone,
        "noclobber, `save` alone (autocommit)",
    ),
    Entrant::new::<Through<PgConnection, noclobber_save::Transaction>>(
        Kind::NoclobberTransaction,
        "noclobber, `save` in `noclobber::transaction`",
    ),
    Entrant::new::<Through<PgConnection, hand_written::Alone>>(
        Kind::DieselAlone,
        "hand-written Diesel, `AsChangeset` alone (autocommit)",
    ),
    Entrant::new::<Through<PgConnection, hand_written::Transaction>>(
        Kind::DieselTransaction,
        "hand-written Diesel, `transaction` + `AsChangeset`",
    ),
    Entrant::new::<Through<PgConnection, check_then_act::CheckThenAct>>(
        Kind::CheckThenAct,
        "Diesel, SELECT, UPDATE, SELECT back in a transaction",
    ),
];

#[cfg(feature = "mysql")]
const MYSQL: &[Entrant] = &[
    Entrant::new::<c_api::Alone<c_api::mysql::Mysql>>(
        Kind::CApiAlone,
        "C API, prepared, alone (autocommit; floor)",
    ),
    Entrant::new::<Through<MysqlConnection, noclobber_save::Alone>>(
        Kind::NoclobberAlone,
        "noclobber, `save` alone (autocommit)",
    ),
    Entrant::new::<Through<MysqlConnection, hand_written::Alone>>(
        Kind::DieselAlone,
        "hand-written Diesel, `AsChangeset` alone (autocommit)",
    ),
    Entrant::new::<Through<MysqlConnection, hand_written::Transaction>>(
        Kind::DieselTransaction,
        "hand-written Diesel, `transaction` + `AsChangeset`",
    ),
];
