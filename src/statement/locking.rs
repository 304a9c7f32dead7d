//! A select that locks the rows it reads.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// `<select> <lock clause>`
pub(crate) struct Locking<Select> {
    pub(crate) select: Select,
    /// With a space before it, or nothing.
    pub(crate) clause: &'static str,
}

impl<Select: Query> Query for Locking<Select> {
    type SqlType = Select::SqlType;
}

impl<Select, Conn> RunQueryDsl<Conn> for Locking<Select> {}

// One select has several clauses, so the text is not known by its type.
impl<Select> QueryId for Locking<Select> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Select: QueryFragment<DB>> QueryFragment<DB> for Locking<Select> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.select.walk_ast(out.reborrow())?;
        out.push_sql(self.clause);
        Ok(())
    }
}
