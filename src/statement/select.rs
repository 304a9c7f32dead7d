//! Reads of one record by its key.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::Column;

use super::{From, from};
use crate::backend::Dialect;
use crate::model::bounds::Selection;
use crate::model::{Versioned, VersionedOn};

/// `SELECT <columns> FROM t WHERE id = ?`
pub(crate) struct SelectRecord<'a, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    columns: <M as Selection<DB>>::Expression,
    from: From<M>,
    key: &'a M::Key,
}

impl<'a, M, DB> SelectRecord<'a, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    pub(crate) fn new(key: &'a M::Key) -> Self {
        SelectRecord { columns: M::__selection(), from: from::<M>(), key }
    }
}

impl<M, DB> Query for SelectRecord<'_, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    type SqlType = Untyped;
}

impl<M, DB> QueryId for SelectRecord<'_, M, DB>
where
    DB: Backend + 'static,
    M: VersionedOn<DB>,
{
    type QueryId = SelectRecord<'static, M, DB>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<M, DB> QueryFragment<DB> for SelectRecord<'_, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out)
    }
}

/// `SELECT version FROM t WHERE id = ?`, with the lock clause that its purpose needs on a database.
pub(crate) struct SelectVersion<'a, M: Versioned, P> {
    from: From<M>,
    key: &'a M::Key,
    lock: &'static str,
    purpose: PhantomData<P>,
}

/// What a version is read for.
///
/// The lock clause is part of the text. A connection has one dialect, so the purpose stands for the
/// clause in the statement's id.
pub(crate) trait Purpose: 'static {
    fn lock(dialect: Dialect) -> &'static str;
}

/// To see what is there now, whatever snapshot the transaction reads from.
pub(crate) enum Look {}

/// To hold the row as it is until the transaction ends.
pub(crate) enum Hold {}

impl Purpose for Look {
    fn lock(dialect: Dialect) -> &'static str {
        dialect.present
    }
}

impl Purpose for Hold {
    fn lock(dialect: Dialect) -> &'static str {
        dialect.hold
    }
}

impl<'a, M: Versioned, P: Purpose> SelectVersion<'a, M, P> {
    pub(crate) fn new(key: &'a M::Key, dialect: Dialect) -> Self {
        SelectVersion { from: from::<M>(), key, lock: P::lock(dialect), purpose: PhantomData }
    }
}

impl<M: Versioned, P> Query for SelectVersion<'_, M, P> {
    type SqlType = Untyped;
}

impl<M: Versioned, P: Purpose> QueryId for SelectVersion<'_, M, P> {
    type QueryId = SelectVersion<'static, M, P>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M, P> QueryFragment<DB> for SelectVersion<'_, M, P>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_identifier(M::VersionColumn::NAME)?;
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out.reborrow())?;
        out.push_sql(self.lock);
        Ok(())
    }
}
