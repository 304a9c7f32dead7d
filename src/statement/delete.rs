//! The guarded delete.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::Guard;
use crate::model::{Versioned, VersionedOn};

/// `DELETE FROM t WHERE id = ? AND version = ?`
pub(crate) struct Delete<'a, M: Versioned> {
    pub(crate) guard: Guard<'a, M>,
}

impl<M: Versioned> QueryId for Delete<'_, M> {
    type QueryId = Delete<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for Delete<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        self.guard.walk_table(out.reborrow())?;
        self.guard.walk_condition(out)
    }
}
