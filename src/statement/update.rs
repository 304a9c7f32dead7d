//! Whole-row writes: `save`, and `touch`, which writes the version alone.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::{Guard, walk_next};
use crate::model::{Versioned, VersionedOn};

/// `UPDATE t SET <columns>, version = <next> WHERE id = ? AND version = ?`
///
/// Always all the model's columns, a `None` as NULL: the text never depends on the values.
pub(crate) struct Update<'a, M: Versioned> {
    pub(crate) model: &'a M,
    pub(crate) next: &'a M::Version,
    pub(crate) guard: Guard<'a, M>,
}

/// `UPDATE t SET version = <next> WHERE id = ? AND version = ?`
pub(crate) struct Touch<'a, M: Versioned> {
    pub(crate) next: &'a M::Version,
    pub(crate) guard: Guard<'a, M>,
}

impl<M: Versioned> QueryId for Update<'_, M> {
    type QueryId = Update<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<M: Versioned> QueryId for Touch<'_, M> {
    type QueryId = Touch<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for Update<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.guard.walk_table(out.reborrow())?;
        out.push_sql(" SET ");
        self.model.__walk_columns(out.reborrow())?;
        walk_next::<M, DB>(self.next, out.reborrow())?;
        self.guard.walk_condition(out)
    }
}

impl<DB, M> QueryFragment<DB> for Touch<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.guard.walk_table(out.reborrow())?;
        out.push_sql(" SET ");
        walk_next::<M, DB>(self.next, out.reborrow())?;
        self.guard.walk_condition(out)
    }
}
