//! Everything that noclobber promises, one module for each behaviour.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so by failing"
)]

mod aggregates;
mod appending;
mod batches;
mod bumping;
mod chinook;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod classifying;
mod contending;
mod creating;
mod deleting;
mod errors;
mod escalating;
mod finding;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod generic;
mod interleaving;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod isolation;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod languages;
mod leases;
mod load;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod losing;
mod migrations;
mod models;
mod opening;
mod patching;
mod pooled;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod restarting;
mod retrying;
mod returning;
mod row_locks;
#[cfg(feature = "postgres")]
mod row_security;
mod saving;
mod support;
mod transactions;
mod triggers;
mod upserting;
mod verifying;
mod versions;
mod what_others_got_wrong;
