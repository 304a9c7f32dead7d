//! A database that nobody made for this crate: Chinook, a music shop with eleven tables.
//!
//! Its tables get a version column each and its rows are changed by threads and by processes at
//! once. What proves that nothing was lost is always the rows as they are in the end.
//!
//! The database is not part of this repository. `NOCLOBBER_CHINOOK` names the folder with its
//! scripts, one for each database (`sqlite.sql`, `postgresql.sql`, `mysql.sql`); where one of them is
//! absent, the tests on its database say that they are skipped, and pass.

mod database;
mod date_time;
mod hot_row;
mod ledger;
mod looks;
mod models;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod processes;
mod schema;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
mod sqlite;
mod tables;
mod threads;
mod transactions;
mod values;
mod worker;
