//! Leases: who holds which record, since when and until when, and what is refused for it.

mod both;
mod columns;
mod contending;
mod guarding;
mod keeping;
mod looking;
mod overriding;
mod taking;

use std::time::Duration;

use noclobber::Error;
use noclobber::error::{LockHeld, LockLost};
use noclobber::lock::{Lock, LockRequest};

const MINUTE: Duration = Duration::from_secs(60);

/// A request of ann's for the record `documents 7`.
fn anns() -> LockRequest {
    Lock::on("documents", "7").owner("ann")
}

fn bobs() -> LockRequest {
    Lock::on("documents", "7").owner("bob")
}

fn held(error: Error) -> LockHeld {
    match error {
        Error::LockHeld(held) => held,
        error => panic!("{error:?}"),
    }
}

fn lost(error: Error) -> LockLost {
    match error {
        Error::LockLost(lost) => lost,
        error => panic!("{error:?}"),
    }
}

/// Makes the lease on every record run out, as time would.
macro_rules! expire {
    ($conn:expr) => {
        diesel::connection::SimpleConnection::batch_execute(
            $conn,
            "UPDATE locks SET expires_at = 1 WHERE token IS NOT NULL",
        )
        .unwrap()
    };
}

/// The tables of leases, beside the documents.
macro_rules! create_tables {
    ($conn:expr) => {
        noclobber::migrations::run($conn).unwrap()
    };
}

use {create_tables, expire};
