//! The contenders on each database, in the order of the report. The first one is the floor, with
//! which the others are compared.

use std::marker::PhantomData;

#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::SqliteConnection;

use noclobber::operation::StoreBatch;

use super::hand_written::HandWritten;
use super::noclobber_locks::Leasing;
use super::through_diesel::Through;
use super::{
    Contender, Kind, batches, c_api, check_then_act, hand_written, noclobber_locks, noclobber_save,
    rusqlite_cached,
};
use crate::Result;
use crate::database::{Database, Place};
use crate::subject::Subject;
use crate::verify::Effect;

/// A contender that has not been set up yet.
pub struct Entrant {
    pub kind: Kind,
    /// What the report calls it.
    pub label: &'static str,
    /// What its work leaves in the database.
    pub effect: Effect,
    set_up: fn(&dyn Database) -> Result<Box<dyn Contender>>,
}

impl Entrant {
    const fn new<C: Contender + 'static>(kind: Kind, label: &'static str) -> Self {
        let effect = Effect::Saves;
        Self { kind, label, effect, set_up: |database| Ok(Box::new(C::set_up(database)?)) }
    }

    const fn leaving(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    pub fn set_up(&self, database: &dyn Database) -> Result<Box<dyn Contender>> {
        (self.set_up)(database)
    }
}

impl Subject {
    pub fn entrants(self, place: Place) -> &'static [Entrant] {
        match (self, place) {
            (Self::Save, Place::Memory | Place::WalFile) => SQLITE,
            #[cfg(feature = "postgres")]
            (Self::Save, Place::Postgres) => POSTGRES,
            #[cfg(feature = "mysql")]
            (Self::Save, Place::Mysql) => MYSQL,
            (Self::Locks, Place::Memory | Place::WalFile) => Locks::<SqliteConnection>::ENTRANTS,
            #[cfg(feature = "postgres")]
            (Self::Locks, Place::Postgres) => Locks::<PgConnection>::ENTRANTS,
            #[cfg(feature = "mysql")]
            (Self::Locks, Place::Mysql) => Locks::<MysqlConnection>::ENTRANTS,
            (Self::Batch, Place::Memory | Place::WalFile) => Batches::<SqliteConnection>::ENTRANTS,
            #[cfg(feature = "postgres")]
            (Self::Batch, Place::Postgres) => Batches::<PgConnection>::ENTRANTS,
            #[cfg(feature = "mysql")]
            (Self::Batch, Place::Mysql) => Batches::<MysqlConnection>::ENTRANTS,
        }
    }
}

/// Those who work with leases are the same on each kind of connection.
struct Locks<C>(PhantomData<C>);

impl<C: Leasing + 'static> Locks<C> {
    const ENTRANTS: &'static [Entrant] = &[
        Entrant::new::<Through<C, noclobber_save::Alone>>(
            Kind::NoclobberAlone,
            "noclobber, `save`, without a lease",
        ),
        Entrant::new::<Through<C, noclobber_locks::Guarded>>(
            Kind::NoclobberGuarded,
            "noclobber, `save_locked`",
        )
        .leaving(Effect::GuardedSaves),
        Entrant::new::<Through<C, noclobber_locks::Renewal>>(
            Kind::NoclobberRenewal,
            "noclobber, `renew`",
        )
        .leaving(Effect::Renewals),
        Entrant::new::<Through<C, noclobber_locks::Grant>>(
            Kind::NoclobberGrant,
            "noclobber, `acquire` and `release`",
        )
        .leaving(Effect::Grants),
    ];
}

/// And so are those who write all rows.
struct Batches<C>(PhantomData<C>);

impl<C: StoreBatch<noclobber_save::Document> + HandWritten + 'static> Batches<C> {
    const ENTRANTS: &'static [Entrant] = &[
        Entrant::new::<Through<C, batches::SaveAll>>(Kind::NoclobberBatch, "noclobber, `save_all`")
            .leaving(Effect::Batches),
        Entrant::new::<Through<C, batches::OneByOne>>(
            Kind::NoclobberOneByOne,
            "noclobber, `save` one by one, in one transaction",
        )
        .leaving(Effect::Batches),
        Entrant::new::<Through<C, batches::HandWrittenOneByOne>>(
            Kind::DieselOneByOne,
            "hand-written Diesel, one by one, in one transaction",
        )
        .leaving(Effect::Batches),
    ];
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
