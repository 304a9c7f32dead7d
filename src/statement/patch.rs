//! A guarded write of the columns that the caller names.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};

use super::columns::Holding;
use super::{Guard, walk_next, walk_version};
use crate::model::bounds::Bind;
use crate::model::{Versioned, VersionedOn};

/// `UPDATE t SET <changes>, version = ? WHERE id = ? AND version = ?`
///
/// The version stands last, so that it wins where a database lets a changeset name it too; and it is
/// bound, since `version + 1` would add to what the changeset said where assignments see those before
/// them.
pub(crate) struct Patch<'a, M: Versioned, Changes> {
    pub(crate) changes: Changes,
    pub(crate) next: &'a M::Version,
    pub(crate) guard: Guard<'a, M>,
    /// The lease that it proves, where that is kept in the record itself.
    pub(crate) holding: Option<Holding<'a>>,
}

// The text depends on which columns the changes name: a changeset leaves out its `None`s.
impl<M: Versioned, Changes> QueryId for Patch<'_, M, Changes> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, M, Changes> QueryFragment<DB> for Patch<'_, M, Changes>
where
    DB: Backend,
    M: VersionedOn<DB>,
    Changes: QueryFragment<DB>,
    for<'s> &'s str: Bind<Text, DB>,
    i64: Bind<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.guard.walk_table(out.reborrow())?;
        out.push_sql(" SET ");
        if !self.changes.is_noop(out.backend())? {
            self.changes.walk_ast(out.reborrow())?;
            out.push_sql(", ");
        }
        if M::BY_TRIGGER {
            walk_next::<M, DB>(self.next, out.reborrow())?;
        } else {
            walk_version::<M, DB>(self.next, out.reborrow())?;
        }
        let Some(holding) = &self.holding else { return self.guard.walk_condition(out) };
        holding.walk_regain(out.reborrow())?;
        self.guard.walk_condition(out.reborrow())?;
        holding.walk_proof(out)
    }
}
