//! What an aggregate adds: the root's key in the conditions of a child's write, and the bump of a root.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::Column;

use super::{From, Guard, from, walk_next};
use crate::backend::Dialect;
use crate::model::{RootKey, Versioned, VersionedOn};

/// `<write> AND "order_id" = ?`: a guarded write of a child that belongs to this root.
pub(crate) struct InRoot<'a, M: Versioned, Write> {
    pub(crate) write: Write,
    pub(crate) root: &'a RootKey<M>,
}

impl<M: Versioned, Write: QueryId> QueryId for InRoot<'_, M, Write> {
    type QueryId = InRoot<'static, M, Write::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Write::HAS_STATIC_QUERY_ID;
}

impl<DB, M, Write> QueryFragment<DB> for InRoot<'_, M, Write>
where
    DB: Backend,
    M: VersionedOn<DB>,
    Write: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.write.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        M::__walk_root(self.root, " AND ", out)
    }
}

/// `UPDATE t SET <columns>, "order_id" = ?, version = <next> WHERE id = ? AND version = ?`
pub(crate) struct Move<'a, M: Versioned> {
    pub(crate) model: &'a M,
    pub(crate) next: &'a M::Version,
    pub(crate) to: &'a RootKey<M>,
    pub(crate) guard: Guard<'a, M>,
}

impl<M: Versioned> QueryId for Move<'_, M> {
    type QueryId = Move<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for Move<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.guard.walk_table(out.reborrow())?;
        out.push_sql(" SET ");
        self.model.__walk_columns(out.reborrow())?;
        M::__walk_root(self.to, ", ", out.reborrow())?;
        out.push_sql(", ");
        walk_next::<M, DB>(self.next, out.reborrow())?;
        self.guard.walk_condition(out)
    }
}

/// `UPDATE t SET version = version + 1 WHERE id = ? AND version <> ?`, whatever the version is; but one
/// that is the last of its type stays.
pub(crate) struct Bump<'a, M: Versioned> {
    from: From<M>,
    key: &'a M::Key,
    last: &'a M::Version,
}

impl<'a, M: Versioned> Bump<'a, M> {
    pub(crate) fn new(key: &'a M::Key, last: &'a M::Version) -> Self {
        Bump { from: from::<M>(), key, last }
    }
}

impl<M: Versioned> QueryId for Bump<'_, M> {
    type QueryId = Bump<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for Bump<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        walk_next::<M, DB>(self.last, out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out.reborrow())?;
        out.push_sql(" AND ");
        out.push_identifier(M::VersionColumn::NAME)?;
        out.push_sql(" <> ");
        M::__walk_version(self.last, out)
    }
}

/// `SELECT version FROM t WHERE id = ? AND "order_id" = ?`, as it is now.
pub(crate) struct SelectInRoot<'a, M: Versioned> {
    from: From<M>,
    key: &'a M::Key,
    root: &'a RootKey<M>,
    // Part of the text, and not of the id: a connection has one dialect.
    dialect: Dialect,
}

impl<'a, M: Versioned> SelectInRoot<'a, M> {
    pub(crate) fn new(key: &'a M::Key, root: &'a RootKey<M>, dialect: Dialect) -> Self {
        SelectInRoot { from: from::<M>(), key, root, dialect }
    }
}

impl<M: Versioned> Query for SelectInRoot<'_, M> {
    type SqlType = Untyped;
}

impl<M: Versioned> QueryId for SelectInRoot<'_, M> {
    type QueryId = SelectInRoot<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for SelectInRoot<'_, M>
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
        out.push_sql(" AND ");
        M::__walk_root(self.root, " AND ", out.reborrow())?;
        out.push_sql(self.dialect.present);
        Ok(())
    }
}
