//! The insert of a new record, which answers with its key.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::dsl::{self, SqlTypeOf};
use diesel::expression::AsExpression;
use diesel::expression::expression_types::Untyped;
use diesel::insertable::Insertable;
use diesel::query_builder::{AstPass, InsertStatement, Query, QueryFragment, QueryId};
use diesel::query_source::Column;
use diesel::sql_types::SqlType;
use diesel::{ExpressionMethods, QueryResult};

use super::{From, from};
use crate::backend::Dialect;
use crate::model::{Versioned, VersionedOn};

/// `INSERT INTO t (version, <columns>) VALUES (?, …)`, with or without `RETURNING id`.
///
/// Only the key is returned. The row itself is read afterwards, since `RETURNING` shows it as it
/// was before the triggers that run after an insert.
pub(crate) struct Insert<M, Statement, A> {
    insert: Statement,
    model: PhantomData<(M, A)>,
}

/// What an insert answers. A type, since it is part of the text and so of the statement's id.
pub(crate) trait Answer: 'static {
    const RETURNING: bool;
}

/// The key of the new row.
pub(crate) enum ItsKey {}

/// The number of rows.
pub(crate) enum Rows {}

impl Answer for ItsKey {
    const RETURNING: bool = true;
}

impl Answer for Rows {
    const RETURNING: bool = false;
}

/// The version beside what the caller gave.
pub(crate) type WithVersion<M, New> =
    (dsl::Eq<<M as Versioned>::VersionColumn, <M as Versioned>::Version>, New);

/// Diesel's own insert of both.
pub(crate) type InsertWithVersion<M, New> = InsertStatement<
    <M as Versioned>::Table,
    <WithVersion<M, New> as Insertable<<M as Versioned>::Table>>::Values,
>;

impl<M: Versioned, A: Answer> Insert<M, (), A> {
    pub(crate) fn new<New>(new: New, initial: M::Version) -> Insert<M, InsertWithVersion<M, New>, A>
    where
        M::VersionColumn: ExpressionMethods,
        SqlTypeOf<M::VersionColumn>: SqlType,
        M::Version: AsExpression<SqlTypeOf<M::VersionColumn>>,
        WithVersion<M, New>: Insertable<M::Table>,
    {
        // The version stands first: where a database lets the caller name it too, the first one wins.
        let values = (M::VersionColumn::default().eq(initial), new);
        let insert = diesel::insert_into(M::Table::default()).values(values);
        Insert { insert, model: PhantomData }
    }
}

impl<M, Statement, A> Query for Insert<M, Statement, A> {
    type SqlType = Untyped;
}

impl<M: 'static, Statement: QueryId, A: Answer> QueryId for Insert<M, Statement, A> {
    type QueryId = Insert<M, Statement::QueryId, A>;
    const HAS_STATIC_QUERY_ID: bool = Statement::HAS_STATIC_QUERY_ID;
}

impl<DB, M, Statement, A> QueryFragment<DB> for Insert<M, Statement, A>
where
    DB: Backend,
    M: VersionedOn<DB>,
    Statement: QueryFragment<DB>,
    A: Answer,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.insert.walk_ast(out.reborrow())?;
        if A::RETURNING {
            out.push_sql(" RETURNING ");
            M::__walk_key_columns(out)?;
        }
        Ok(())
    }
}

/// `INSERT INTO t (<columns>, id, version) VALUES (?, …)`: a whole record, as a save would write it.
///
/// With what makes a row with the same key no error, where the database has words for it.
pub(crate) struct InsertRecord<'a, M: Versioned> {
    // A field, not a temporary: what is walked has to live as long as the binds.
    from: From<M>,
    model: &'a M,
    key: &'a M::Key,
    initial: &'a M::Version,
    // Part of the text, and not of the id: a connection has one dialect.
    unless_key_there: Option<(&'static str, &'static str)>,
}

impl<'a, M: Versioned> InsertRecord<'a, M> {
    pub(crate) fn new(
        model: &'a M,
        key: &'a M::Key,
        initial: &'a M::Version,
        dialect: Dialect,
    ) -> Self {
        let unless_key_there = dialect.unless_key_there;
        InsertRecord { from: from::<M>(), model, key, initial, unless_key_there }
    }
}

impl<M: Versioned> QueryId for InsertRecord<'_, M> {
    type QueryId = InsertRecord<'static, M>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for InsertRecord<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" (");
        let mut names = Vec::new();
        M::__push_names(&mut names);
        M::__push_root_names(&mut names);
        for name in names {
            out.push_identifier(name)?;
            out.push_sql(", ");
        }
        M::__walk_key_columns(out.reborrow())?;
        out.push_sql(", ");
        out.push_identifier(M::VersionColumn::NAME)?;
        out.push_sql(") VALUES (");
        self.model.__walk_values(out.reborrow())?;
        self.model.__walk_root_values(out.reborrow())?;
        M::__walk_key_values(self.key, out.reborrow())?;
        out.push_sql(", ");
        M::__walk_version(self.initial, out.reborrow())?;
        out.push_sql(")");
        if let Some((before, behind)) = self.unless_key_there {
            out.push_sql(before);
            M::__walk_key_columns(out.reborrow())?;
            out.push_sql(behind);
        }
        Ok(())
    }
}

/// `SELECT id FROM t WHERE id = <ask>`, where `ask` is how a database is asked for the number that it
/// gave last.
pub(crate) struct SelectNewKey<M: Versioned> {
    from: From<M>,
    // Part of the text, and not of the id: a connection has one dialect.
    ask: &'static str,
}

impl<M: Versioned> SelectNewKey<M> {
    pub(crate) fn new(ask: &'static str) -> Self {
        SelectNewKey { from: from::<M>(), ask }
    }
}

impl<M: Versioned> Query for SelectNewKey<M> {
    type SqlType = Untyped;
}

impl<M: Versioned> QueryId for SelectNewKey<M> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for SelectNewKey<M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        M::__walk_key_columns(out.reborrow())?;
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key_columns(out.reborrow())?;
        out.push_sql(" = ");
        out.push_sql(self.ask);
        Ok(())
    }
}
