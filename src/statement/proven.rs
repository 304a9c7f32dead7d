//! A guarded write that proves its lease in the same statement.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::lease::LeaseStatement;

/// The write, with what has to stand before it and behind its conditions.
pub(crate) struct Proven<'a, Write> {
    pub(crate) before: LeaseStatement<'a>,
    pub(crate) write: Write,
    pub(crate) condition: LeaseStatement<'a>,
}

// Found by its text, as all that name the tables of leases.
impl<Write> QueryId for Proven<'_, Write> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, Write> QueryFragment<DB> for Proven<'_, Write>
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
