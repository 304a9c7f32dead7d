//! Reads of one record by its key.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::Column;

use super::{From, from};
use crate::backend::{Dialect, RowLock};
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
    // A selection of the model's own may be a boxed one, whose text its type does not tell.
    const HAS_STATIC_QUERY_ID: bool =
        <<M as Selection<DB>>::Expression as QueryId>::HAS_STATIC_QUERY_ID;
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

/// `SELECT version FROM t WHERE id = ?`, with what its purpose needs on a database.
pub(crate) struct SelectVersion<'a, M: Versioned, P> {
    from: From<M>,
    key: &'a M::Key,
    dialect: Dialect,
    purpose: PhantomData<P>,
}

/// What a version is read for.
///
/// Lock clause and branch are part of the text. A connection has one dialect, so the purpose stands for
/// them in the statement's id.
pub(crate) trait Purpose: 'static {
    fn lock(dialect: Dialect) -> &'static str;

    /// The branch that tells of rows which cannot be seen, by what stands around the table's name.
    fn hidden(_: Dialect) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The branch that tells that the transaction's snapshot was seen.
    fn in_snapshot(_: Dialect) -> &'static str {
        ""
    }
}

/// To see what is there now, whatever snapshot the transaction reads from.
pub(crate) enum Look {}

/// The same inside a transaction, whose snapshot may be all that can be seen.
pub(crate) enum LookInside {}

/// To hold the row as it is until the transaction ends.
pub(crate) enum Hold {}

/// The same, before the transaction writes the row.
pub(crate) enum HoldToWrite {}

impl Purpose for Look {
    fn lock(dialect: Dialect) -> &'static str {
        dialect.present
    }

    fn hidden(dialect: Dialect) -> Option<(&'static str, &'static str)> {
        dialect.hidden
    }
}

impl Purpose for LookInside {
    fn lock(dialect: Dialect) -> &'static str {
        Look::lock(dialect)
    }

    fn hidden(dialect: Dialect) -> Option<(&'static str, &'static str)> {
        Look::hidden(dialect)
    }

    fn in_snapshot(dialect: Dialect) -> &'static str {
        dialect.in_snapshot
    }
}

impl Purpose for Hold {
    fn lock(dialect: Dialect) -> &'static str {
        dialect.row_lock(RowLock::for_share())
    }
}

impl Purpose for HoldToWrite {
    fn lock(dialect: Dialect) -> &'static str {
        dialect.row_lock(RowLock::for_update())
    }
}

impl<'a, M: Versioned, P: Purpose> SelectVersion<'a, M, P> {
    pub(crate) fn new(key: &'a M::Key, dialect: Dialect) -> Self {
        SelectVersion { from: from::<M>(), key, dialect, purpose: PhantomData }
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
    P: Purpose,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_identifier(M::VersionColumn::NAME)?;
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out.reborrow())?;
        out.push_sql(P::lock(self.dialect));
        if let Some((before, behind)) = P::hidden(self.dialect) {
            out.push_sql(before);
            self.from.walk_ast(out.reborrow())?;
            out.push_sql(behind);
        }
        out.push_sql(P::in_snapshot(self.dialect));
        Ok(())
    }
}
