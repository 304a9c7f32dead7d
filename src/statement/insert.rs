//! The insert of a new record, which answers with its key.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

use crate::model::VersionedOn;

/// `INSERT INTO t (<columns>, version) VALUES (…, ?) RETURNING id`
///
/// Only the key is returned. The row itself is read afterwards, since `RETURNING` shows it as it
/// was before the triggers that run after an insert.
pub(crate) struct Insert<M, Statement> {
    insert: Statement,
    model: PhantomData<M>,
}

impl<M, Statement> Insert<M, Statement> {
    pub(crate) fn new(insert: Statement) -> Self {
        Insert { insert, model: PhantomData }
    }
}

impl<M, Statement> Query for Insert<M, Statement> {
    type SqlType = Untyped;
}

impl<M: 'static, Statement: QueryId> QueryId for Insert<M, Statement> {
    type QueryId = Insert<M, Statement::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Statement::HAS_STATIC_QUERY_ID;
}

impl<DB, M, Statement> QueryFragment<DB> for Insert<M, Statement>
where
    DB: Backend,
    M: VersionedOn<DB>,
    Statement: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.insert.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        M::__walk_key_columns(out)
    }
}
