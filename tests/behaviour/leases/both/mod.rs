//! What leases promise wherever they are kept, each from one body: in the table `locks`, and in columns
//! of the record.

mod contending;
mod guarding;
mod holder;
mod keeping;
mod overriding;
mod processes;
mod taking;

use std::time::Duration;

use diesel::prelude::*;
use noclobber::lock::columns::{ColumnLease, ColumnRequest};
use noclobber::lock::{Acquire, Held, Lease, LockRequest, MyCopy, Proves, StoreLocked};
use noclobber::prelude::*;
use serde::{Deserialize, Serialize};

diesel::table! {
    drafts (id) {
        id -> BigInt,
        title -> Text,
        version -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<BigInt>,
        lock_token -> Nullable<Text>,
        lock_fence -> BigInt,
    }
}

/// Can be locked in both ways, and reads nothing of its lease.
#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = drafts)]
#[versioned(lock_columns)]
pub(super) struct Draft {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) version: i64,
}

impl Draft {
    pub(super) fn renamed(&self, title: &str) -> Self {
        Draft { title: title.into(), ..self.clone() }
    }
}

/// The tables, and the first record.
macro_rules! first_draft {
    ($conn:expr) => {{
        noclobber::migrations::run($conn).unwrap();
        let columns = "title VARCHAR(255) NOT NULL, version BIGINT NOT NULL DEFAULT 1, \
                       locked_by VARCHAR(255), locked_until BIGINT, lock_token VARCHAR(36), \
                       lock_fence BIGINT NOT NULL DEFAULT 0";
        run(&format!("CREATE TABLE drafts (id {}, {columns})", NUMBER_KEY), $conn);
        $crate::leases::both::draft!("draft", $conn)
    }};
}

macro_rules! draft {
    ($title:expr, $conn:expr) => {{
        use $crate::leases::both::{Draft, drafts};
        let title = diesel::ExpressionMethods::eq(drafts::title, $title);
        <Draft as noclobber::VersionedDsl>::create(title, $conn).unwrap()
    }};
}

/// The row as it stands, read by Diesel alone.
macro_rules! stored {
    ($draft:expr, $conn:expr) => {{
        use diesel::{HasQuery, OptionalExtension, QueryDsl, RunQueryDsl};
        let id = $draft.id;
        $crate::leases::both::Draft::query().find(id).first($conn).optional().unwrap()
    }};
}

/// Makes the lease on every record run out, as time would.
macro_rules! run_out {
    ($conn:expr) => {
        run(EXPIRE, $conn)
    };
}

/// Tests of one body on every database, for each storage.
macro_rules! on_both_storages {
    (@ $databases:ident { $($bodies:tt)* }) => {
        mod in_the_table {
            use super::*;
            use $crate::leases::both::table::*;

            $crate::support::$databases! { $($bodies)* }
        }

        mod in_columns {
            use super::*;
            use $crate::leases::both::columns::*;

            $crate::support::$databases! { $($bodies)* }
        }
    };
    ($($bodies:tt)*) => {
        $crate::leases::both::on_both_storages! { @ on_every_database { $($bodies)* } }
    };
}

/// The same on every database that several connections share.
macro_rules! on_both_shared_storages {
    ($($bodies:tt)*) => {
        $crate::leases::both::on_both_storages! { @ on_every_shared_database { $($bodies)* } }
    };
}

pub(super) use {draft, first_draft, on_both_shared_storages, on_both_storages, run_out, stored};

/// A storage, for code that is compiled once for each.
trait Storage<C> {
    type Lease: Held<C> + Proves<Draft, C>;
    type Request<'d>: Acquire<C, Lease = Self::Lease>;

    fn request<'d>(draft: &'d Draft, owner: &str, ttl: Duration) -> Self::Request<'d>;
}

/// The same, as one process tells another.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Kept {
    InTheTable,
    InColumns,
}

struct InTheTable;
struct InColumns;

impl<C: StoreLocked<Draft>> Storage<C> for InTheTable {
    type Lease = Lease;
    type Request<'d> = LockRequest<MyCopy<'d, Draft>>;

    fn request<'d>(draft: &'d Draft, owner: &str, ttl: Duration) -> Self::Request<'d> {
        draft.lock().owner(owner).ttl(ttl)
    }
}

impl<C: StoreLocked<Draft>> Storage<C> for InColumns {
    type Lease = ColumnLease<Draft>;
    type Request<'d> = ColumnRequest<'d, Draft>;

    fn request<'d>(draft: &'d Draft, owner: &str, ttl: Duration) -> Self::Request<'d> {
        draft.lock_in_columns().owner(owner).ttl(ttl)
    }
}

/// What the bodies call a storage's own.
mod table {
    use noclobber::error::Loss;
    use noclobber::lock::{
        self, EventKind, Keeper, Keeping, Lease, LockInfo, LockPolicy, LockRequest, MyCopy,
        Override, StoreLocked,
    };
    use noclobber::prelude::*;

    use super::Draft;

    pub(super) type Here = super::InTheTable;
    pub(super) const KEPT: super::Kept = super::Kept::InTheTable;

    pub(super) type Asked<'m> = LockRequest<MyCopy<'m, Draft>>;

    pub(super) fn ask(draft: &Draft) -> Asked<'_> {
        draft.lock()
    }

    /// The same owner, elsewhere.
    pub(super) fn ask_elsewhere(draft: &Draft) -> Asked<'_> {
        draft.lock().session("two")
    }

    pub(super) fn inspect<C: StoreLocked<Draft>>(draft: &Draft, conn: &mut C) -> Option<LockInfo> {
        lock::inspect("drafts", &draft.id.to_string(), conn).unwrap()
    }

    pub(super) fn end<P: LockPolicy, C: StoreLocked<Draft>>(
        by: &Override<P>,
        _: &Draft,
        seen: &LockInfo,
        conn: &mut C,
    ) -> noclobber::Result<()> {
        by.break_lock(seen, conn)
    }

    pub(super) fn steal<P: LockPolicy, C: StoreLocked<Draft>>(
        by: &Override<P>,
        _: &Draft,
        seen: &LockInfo,
        conn: &mut C,
    ) -> noclobber::Result<Lease> {
        by.steal(seen, conn)
    }

    pub(super) fn keep(lease: &Lease) -> Keeping {
        Keeper::of(lease)
    }

    /// What happened to the leases on a record, and with which fences, the oldest first.
    pub(super) fn history<C: StoreLocked<Draft>>(
        draft: &Draft,
        conn: &mut C,
    ) -> Option<Vec<(EventKind, i64)>> {
        let history = lock::history("drafts", &draft.id.to_string(), conn).unwrap();
        Some(history.iter().map(|event| (event.kind(), event.fence())).collect())
    }

    pub(super) const EXPIRE: &str = "UPDATE locks SET expires_at = 1 WHERE token IS NOT NULL";
    /// Takes that back.
    pub(super) const GO_ON: &str =
        "UPDATE locks SET expires_at = 4000000000000 WHERE token IS NOT NULL";
    pub(super) const TOKEN: &str = "SELECT token AS text FROM locks";

    /// The history tells how it ended, and by whom.
    pub(super) const TAKEN: Loss = Loss::Taken;
    pub(super) const TAKEN_AND_LEFT: (Loss, Option<&str>) = (Loss::Taken, Some("bob"));
    pub(super) const STOLEN: Loss = Loss::Stolen;
    pub(super) const BROKEN: (Loss, Option<&str>) = (Loss::Broken, Some("root"));
    pub(super) const WHY: Option<&str> = Some("she has left");
}

mod columns {
    use noclobber::error::Loss;
    use noclobber::lock::columns::{ColumnLease, ColumnRenewal, ColumnRequest};
    use noclobber::lock::{
        EventKind, Keeper, Keeping, LockInfo, LockPolicy, Override, StoreLocked,
    };
    use noclobber::prelude::*;

    use super::Draft;

    pub(super) type Here = super::InColumns;
    pub(super) const KEPT: super::Kept = super::Kept::InColumns;

    pub(super) type Asked<'m> = ColumnRequest<'m, Draft>;

    pub(super) fn ask(draft: &Draft) -> Asked<'_> {
        draft.lock_in_columns()
    }

    /// There is no column for a session: another token is another one.
    pub(super) fn ask_elsewhere(draft: &Draft) -> Asked<'_> {
        draft.lock_in_columns()
    }

    pub(super) fn inspect<C: StoreLocked<Draft>>(draft: &Draft, conn: &mut C) -> Option<LockInfo> {
        Draft::inspect_columns(draft.id, conn).unwrap()
    }

    pub(super) fn end<P: LockPolicy, C: StoreLocked<Draft>>(
        by: &Override<P>,
        draft: &Draft,
        seen: &LockInfo,
        conn: &mut C,
    ) -> noclobber::Result<()> {
        by.break_in_columns(draft, seen, conn)
    }

    pub(super) fn steal<P: LockPolicy, C: StoreLocked<Draft>>(
        by: &Override<P>,
        draft: &Draft,
        seen: &LockInfo,
        conn: &mut C,
    ) -> noclobber::Result<ColumnLease<Draft>> {
        by.steal_in_columns(draft, seen, conn)
    }

    pub(super) fn keep(lease: &ColumnLease<Draft>) -> Keeping<ColumnRenewal<Draft>> {
        Keeper::of_columns(lease)
    }

    /// There is none.
    pub(super) fn history<C>(_: &Draft, _: &mut C) -> Option<Vec<(EventKind, i64)>> {
        None
    }

    pub(super) const EXPIRE: &str =
        "UPDATE drafts SET locked_until = 1 WHERE lock_token IS NOT NULL";
    pub(super) const GO_ON: &str =
        "UPDATE drafts SET locked_until = 4000000000000 WHERE lock_token IS NOT NULL";
    pub(super) const TOKEN: &str = "SELECT lock_token AS text FROM drafts";

    /// There is no history: what can be told is who has it now.
    pub(super) const TAKEN: Loss = Loss::HeldByAnother;
    pub(super) const TAKEN_AND_LEFT: (Loss, Option<&str>) = (Loss::Unknown, None);
    pub(super) const STOLEN: Loss = Loss::HeldByAnother;
    pub(super) const BROKEN: (Loss, Option<&str>) = (Loss::Unknown, None);
    pub(super) const WHY: Option<&str> = None;
}
