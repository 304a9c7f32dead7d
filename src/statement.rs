//! The SQL of each operation, as Diesel query fragments.
//!
//! A statement knows what is sent and nothing else: no connection, and no meaning of the answer.
//! The text of all that do not carry a change of the caller's own is the same at every call, so
//! each has a static id, and Diesel builds its SQL once per connection and model.

pub(crate) mod batch;
mod bump;
pub(crate) mod columns;
mod delete;
mod increment;
mod insert;
pub(crate) mod lease;
mod locking;
mod patch;
mod proven;
mod root;
mod select;
mod update;

pub use self::bump::BumpVersion;
pub(crate) use self::delete::Delete;
pub(crate) use self::increment::Increment;
pub(crate) use self::insert::{
    Insert, InsertRecord, InsertWithVersion, ItsKey, Rows, SelectNewKey, WithVersion,
};
pub(crate) use self::locking::Locking;
pub(crate) use self::patch::Patch;
pub(crate) use self::proven::Proven;
pub(crate) use self::root::{Bump, InRoot, Move, SelectInRoot};
pub(crate) use self::select::{
    Hold, HoldToWrite, Look, LookInside, Purpose, SelectRecord, SelectVersion,
};
pub(crate) use self::update::{Touch, Update};

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::query_source::{Column, QuerySource};

use crate::model::{Versioned, VersionedOn};
use crate::version::Version;

/// The `FROM` clause of a model's table: its name, with its schema when it has one.
pub(crate) type From<M> = <<M as Versioned>::Table as QuerySource>::FromClause;

/// A record at a version: what every guarded statement is about.
pub(crate) struct Guard<'a, M: Versioned> {
    // Fields, not temporaries: what is walked has to live as long as the binds.
    from: From<M>,
    key: &'a M::Key,
    expected: &'a M::Version,
}

impl<'a, M: Versioned> Guard<'a, M> {
    pub(crate) fn new(key: &'a M::Key, expected: &'a M::Version) -> Self {
        Guard { from: from::<M>(), key, expected }
    }

    fn walk_table<'b, DB>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend,
        M: VersionedOn<DB>,
    {
        self.from.walk_ast(out)
    }

    /// ` WHERE "id" = ? AND "version" = ?`
    fn walk_condition<'b, DB>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend,
        M: VersionedOn<DB>,
    {
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out.reborrow())?;
        out.push_sql(" AND ");
        walk_version::<M, DB>(self.expected, out)
    }
}

fn from<M: Versioned>() -> From<M> {
    M::Table::default().from_clause()
}

/// `"version" = ?`
fn walk_version<'b, M, DB>(version: &'b M::Version, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    out.push_identifier(M::VersionColumn::NAME)?;
    out.push_sql(" = ");
    M::__walk_version(version, out)
}

/// What a write sets the version to: `"version" = ?`, or `"version" = "version" + 1` where that is
/// the same, since the row has the expected version or is not written. Where a trigger does it,
/// `"version" = "version"`: an assignment that changes nothing, so that even a write without another
/// one sets the trigger off.
fn walk_next<'b, M, DB>(next: &'b M::Version, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    if !M::Version::COUNTS && !M::BY_TRIGGER {
        return walk_version::<M, DB>(next, out);
    }
    out.push_identifier(M::VersionColumn::NAME)?;
    out.push_sql(" = ");
    out.push_identifier(M::VersionColumn::NAME)?;
    if !M::BY_TRIGGER {
        out.push_sql(" + 1");
    }
    Ok(())
}
