//! Leases that are kept in columns of the record, and not in the table `locks`.
//!
//! For models with `#[versioned(lock_columns)]`, whose derive [has the columns](derive@crate::Versioned).
//! To acquire is one UPDATE of the row, between two looks at it; a guarded write is one statement, on every
//! database. The row tells everybody who holds it, also those who never heard of leases.
//!
//! ```
//! # include!("../doctest_notes.rs");
//! # fn main() -> noclobber::Result<()> {
//! # let conn = &mut notes_with_one_row();
//! let note = Note::find(1, conn)?;
//! let lease = note.lock_in_columns().owner("ann").acquire(conn)?;
//! assert_eq!(note.reload(conn)?.locked_by.as_deref(), Some("ann"));
//!
//! let held = note.lock_in_columns().owner("bob").acquire(conn).unwrap_err();
//! assert_eq!(held.to_string(), "notes 1 is locked by ann, for another 5 min 0 s");
//!
//! let note = Note { text: "Mine alone".into(), ..note }.save_locked(&lease, conn)?;
//! lease.release(conn)?;
//! # assert_eq!(note.version, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # What is the same, and what is not
//!
//! The promises are those of [`lock`](super): safety is in the write, time is the database's, what has
//! expired and was taken by nobody is regained by a guarded write, and locking never changes the version.
//! Code that does not care where a lease is kept names [`Acquire`], [`Held`] and [`Proves`].
//!
//! | | table `locks` | columns |
//! |---|---|---|
//! | can be locked | anything that has a name | records that exist |
//! | holder, expiry, fence | yes | yes |
//! | own other session | by the name of the session | the same owner with another token |
//! | session, note, renewals, cap, since when | yes | no |
//! | history: who ended it, when and why | yes | no: who has it *now*, or [`Loss::Unknown`] |
//! | kept by a [`Keeper`](super::Keeper) | yes | yes |
//! | several at once, list, release on drop | yes | no |
//! | the fence of a record that is deleted and created again | goes on | begins anew |
//! | who waits for a transaction that is writing the record (on SQLite: everybody) | nobody | who acquires or releases |
//! | triggers and `ON UPDATE` columns of the record's table | do not notice | **fire** |
//!
//! A table with an `updated_at` that a trigger or `ON UPDATE CURRENT_TIMESTAMP` keeps does not suit it. A
//! fence that is handed to another system belongs to the record: see to it that keys are not used again.
//!
//! [`Acquire`]: super::Acquire
//! [`Held`]: super::Held
//! [`Proves`]: super::Proves
//! [`Loss::Unknown`]: crate::error::Loss::Unknown

mod guarded;
mod lease;
mod overriding;
mod request;
mod row;

pub(super) use self::row::inspect;

pub use self::lease::{ColumnLease, ColumnRenewal};
pub use self::request::ColumnRequest;
