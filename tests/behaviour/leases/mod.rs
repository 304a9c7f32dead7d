//! Leases: who holds which record, since when and until when, and what is refused for it.

mod both;
mod columns;
mod contending;
mod guarding;
mod keeping;
mod looking;
mod overriding;
mod pooling;
mod proving;
mod taking;
mod timing;
mod waiting;

use std::time::Duration;

use chrono::{DateTime, Utc};
use noclobber::Error;
use noclobber::error::{LockHeld, LockLost, Reason};
use noclobber::lock::{
    self, EventKind, Lock, LockEvent, LockInfo, LockPolicy, LockRequest, LockStore, Override,
};

use crate::support::wait_until;

const MINUTE: Duration = Duration::from_secs(60);

/// For what does not wait for anybody, on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(10);

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

/// Somebody who may end everybody's leases.
fn root() -> Override<impl LockPolicy + Clone> {
    Override::by("root").because("urgent").allowed_to(|actor: &str, _: &LockInfo| actor == "root")
}

/// The lease on `documents 7`, as everybody sees it.
fn seen<C: LockStore>(conn: &mut C) -> Option<LockInfo> {
    lock::inspect("documents", "7", conn).unwrap()
}

/// What happened to the lease on a document, the oldest first.
fn happened<C: LockStore>(record: &str, conn: &mut C) -> Vec<EventKind> {
    lock::history("documents", record, conn).unwrap().iter().map(LockEvent::kind).collect()
}

/// Whether the database only asks for another try, and not because of a deadlock.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Unavailable(it) if it.reason() != Reason::Deadlock)
}

/// The database's present, as the lease on a record of its own tells it.
fn present<C: LockStore>(conn: &mut C) -> DateTime<Utc> {
    if let Some(info) = lock::inspect("clock", "1", conn).unwrap() {
        return info.expires_at() - info.expires_in();
    }
    let lease = Lock::on("clock", "1").owner("nobody").acquire(conn).unwrap();
    lease.info().acquired_at()
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
