//! What is to be known of leases: names, holders, rows, and what follows from them. No connection, and
//! no clock of its own.

mod info;
mod row;
mod tables;

pub use self::info::{EventKind, LockEvent, LockInfo};
pub(crate) use self::row::{EventRow, LeaseRow, Standing};
pub use self::tables::LockTables;

/// Who holds a lease, or asks for one: a person or a program, and which of their sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) owner: String,
    pub(crate) session: Option<String>,
}
