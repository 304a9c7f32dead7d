//! What leases promise wherever they are kept, each from one body: in the table `locks`, and in columns
//! of the record.

mod guarding;
mod overriding;
mod taking;

use diesel::prelude::*;
use noclobber::prelude::*;

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
        Draft::create(drafts::title.eq($title), $conn).unwrap()
    }};
}

/// The row as it stands, read by Diesel alone.
macro_rules! stored {
    ($draft:expr, $conn:expr) => {{
        use diesel::{HasQuery, OptionalExtension, RunQueryDsl};
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
    ($($bodies:tt)*) => {
        mod in_the_table {
            use super::*;
            use $crate::leases::both::table::*;

            $crate::support::on_every_database! { $($bodies)* }
        }

        mod in_columns {
            use super::*;
            use $crate::leases::both::columns::*;

            $crate::support::on_every_database! { $($bodies)* }
        }
    };
}

pub(super) use {draft, first_draft, on_both_storages, run_out, stored};

/// What the bodies call a storage's own.
mod table {
    use noclobber::error::Loss;
    use noclobber::lock::{
        self, Lease, LockInfo, LockPolicy, LockRequest, MyCopy, Override, StoreLocked,
    };
    use noclobber::prelude::*;

    use super::Draft;

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

    pub(super) const EXPIRE: &str = "UPDATE locks SET expires_at = 1 WHERE token IS NOT NULL";
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
    use noclobber::lock::columns::{ColumnLease, ColumnRequest};
    use noclobber::lock::{LockInfo, LockPolicy, Override, StoreLocked};
    use noclobber::prelude::*;

    use super::Draft;

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

    pub(super) const EXPIRE: &str =
        "UPDATE drafts SET locked_until = 1 WHERE lock_token IS NOT NULL";
    pub(super) const TOKEN: &str = "SELECT lock_token AS text FROM drafts";

    /// There is no history: what can be told is who has it now.
    pub(super) const TAKEN: Loss = Loss::HeldByAnother;
    pub(super) const TAKEN_AND_LEFT: (Loss, Option<&str>) = (Loss::Unknown, None);
    pub(super) const STOLEN: Loss = Loss::HeldByAnother;
    pub(super) const BROKEN: (Loss, Option<&str>) = (Loss::Unknown, None);
    pub(super) const WHY: Option<&str> = None;
}
