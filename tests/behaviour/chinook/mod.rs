//! A database that nobody made for this crate: Chinook, a music shop with eleven tables.
//!
//! Its tables get a version column each and its rows are changed by threads and by processes at
//! once. What proves that nothing was lost is always the rows as they are in the end.
//!
//! The database is not part of this repository. `NOCLOBBER_CHINOOK` names the folder with its
//! `sqlite.sql`; without that file every test here says that it is skipped, and passes.

mod database;
mod hot_row;
mod ledger;
mod models;
mod processes;
mod schema;
mod tables;
mod threads;
mod transactions;
mod values;
mod worker;
