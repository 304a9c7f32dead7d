//! A guarded write that proves its lease in the same statement.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::lease::LeaseStatement;

/// The write, with what has to stand before it and behind its conditions.
///
/// With `DEFAULT_TABLES` its text is known by its type. The texts of the proof are the dialect's, and a
/// connection has one dialect; all that may vary is what the tables of leases are called.
pub(crate) struct Proven<'a, Write, const DEFAULT_TABLES: bool> {
    pub(crate) before: LeaseStatement<'a>,
    pub(crate) write: Write,
    pub(crate) condition: LeaseStatement<'a>,
}

// Under other names it is found by its text, as all that name the tables of leases.
impl<Write, const DEFAULT_TABLES: bool> QueryId for Proven<'_, Write, DEFAULT_TABLES>
where
    Write: QueryId,
{
    type QueryId = Proven<'static, Write::QueryId, DEFAULT_TABLES>;
    const HAS_STATIC_QUERY_ID: bool = DEFAULT_TABLES && Write::HAS_STATIC_QUERY_ID;
}

impl<DB, Write, const DEFAULT_TABLES: bool> QueryFragment<DB> for Proven<'_, Write, DEFAULT_TABLES>
where
    DB: Backend,
    Write: QueryFragment<DB>,
    for<'s> LeaseStatement<'s>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        self.write.walk_ast(out.reborrow())?;
        self.condition.walk_ast(out)
    }
}
