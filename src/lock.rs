//! Leases: a record is locked for minutes, by a person who edits it or a program that works on it.
//!
//! A version finds out *after* the work that somebody else was faster. A lease says so *before*: who has
//! the record open, since when, what for. It is kept in a table of its own, `locks`, is visible to
//! everybody, ends by itself when its holder disappears, and can be ended by who may. Locking changes
//! neither the record nor its version.
//!
//! ```
//! # include!("doctest_setup.rs");
//! # fn main() -> noclobber::Result<()> {
//! # let conn = &mut documents_with_one_row();
//! # noclobber::migrations::run(conn).unwrap();
//! let document = Document::find(1, conn)?;
//! let lease = document.lock().owner("ann").note("correcting typos").acquire(conn)?;
//!
//! let held = document.lock().owner("bob").acquire(conn).unwrap_err();
//! assert!(held.to_string().starts_with("documents 1 is locked by ann since "));
//!
//! let document = Document { title: "Corrected".into(), ..document }.save_locked(&lease, conn)?;
//! lease.release(conn)?;
//! # assert_eq!(document.version, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # What it rests on
//!
//! * **Safety is in the write, not in the clock.** Each grant has a *token*, which is told to its holder alone,
//!   and a *fence*, a number that grows with each new holder of the record and never repeats. A guarded
//!   write ([`save_locked`](LockDsl::save_locked), [`delete_locked`](LockDsl::delete_locked),
//!   [`patch_locked`](LockDsl::patch_locked)) proves both in its own transaction, together with the
//!   version. A process that slept past its time writes nothing.
//! * **Time is the database's**, read after any wait. The time to live is for liveness: it makes the lease
//!   of a holder who has disappeared end.
//! * **An expired lease is not lost before somebody takes it.** A guarded write regains it, if the record
//!   still has the version that its holder locked, or has written under the lease.
//! * **Writers that take no lease are not kept out**, neither `save` nor other programs. The version is
//!   still compared: nobody overwrites anybody.
//!
//! # The tables
//!
//! [`migrations`](crate::migrations) brings them. A lease is a row of `locks`, and stays there when it is
//! released, for its fence; [`purge`] forgets it. `lock_events` is the history: see [`history`].
//!
//! A model can also keep the leases on its records in [columns] of theirs.

mod acquire;
mod carry;
pub mod columns;
mod freshness;
mod guarded;
mod inspecting;
mod keeper;
mod lease;
#[cfg(feature = "r2d2")]
mod locks;
mod overriding;
mod renew;
mod request;
mod storage;
mod store;

pub use self::acquire::{Requested, acquire_all};
pub use self::freshness::{AnyCopy, Freshness, MyCopy};
pub use self::guarded::LockDsl;
pub use self::inspecting::{LockFilter, history, inspect, list, mine, purge};
pub use self::keeper::{Keeper, Keeping, Renewal, TableRenewal};
pub use self::lease::Lease;
#[cfg(feature = "r2d2")]
pub use self::locks::{Locks, PooledLease};
pub use self::overriding::{LockPolicy, Override, OwnerOnly};
pub use self::renew::release_all;
pub use self::request::{Lock, LockRequest};
pub use self::storage::{Acquire, Held, Proves};
pub use self::store::{LockStore, StoreLocked};
pub use crate::lease::{EventKind, LockEvent, LockInfo, LockTables};
