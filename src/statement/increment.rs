//! A relative write of one unguarded column.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_source::Column;

use super::{From, from};
use crate::model::bounds::Bind;
use crate::model::{Versioned, VersionedOn};

/// `UPDATE t SET n = n + ? WHERE id = ?`
///
/// `ST` is the SQL type of what is added.
pub(crate) struct Increment<'a, M: Versioned, Col, ST, By> {
    from: From<M>,
    key: &'a M::Key,
    by: &'a By,
    marker: PhantomData<(Col, ST)>,
}

impl<'a, M: Versioned, Col, ST, By> Increment<'a, M, Col, ST, By> {
    pub(crate) fn new(key: &'a M::Key, by: &'a By) -> Self {
        Increment { from: from::<M>(), key, by, marker: PhantomData }
    }
}

impl<M, Col, ST, By> QueryId for Increment<'_, M, Col, ST, By>
where
    M: Versioned,
    Col: 'static,
    ST: 'static,
    By: 'static,
{
    type QueryId = Increment<'static, M, Col, ST, By>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M, Col, ST, By> QueryFragment<DB> for Increment<'_, M, Col, ST, By>
where
    DB: Backend,
    M: VersionedOn<DB>,
    Col: Column,
    By: Bind<ST, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        out.push_identifier(Col::NAME)?;
        out.push_sql(" = ");
        out.push_identifier(Col::NAME)?;
        out.push_sql(" + ");
        self.by.__bind(out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out)
    }
}
