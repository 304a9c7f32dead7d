//! The SQL of leases that are kept in columns of their record.
//!
//! The texts are those of [`lease`](super::lease), with the same places; the table and the key are the
//! model's. Where an assignment looks at a column that another one sets, it stands first: MySQL's see
//! those before them.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};

use super::lease::{LeaseBind, LeaseStatement};
use super::{From, Guard, from, walk_next, walk_version};
use crate::backend::Dialect;
use crate::lease::LockTables;
use crate::model::bounds::Bind;
use crate::model::{Versioned, VersionedOn};

/// What is assigned, and what has to be so for that.
pub(crate) type Texts = (&'static str, &'static str);

/// A lease that is free, or the caller's already: token, owner, ttl, token; token.
///
/// The same token is the same grant as long as it lasts, and a new one when it has run out.
pub(crate) const TAKE: Texts = (
    "lock_fence = CASE WHEN lock_token = ? AND locked_until > {now} THEN lock_fence \
     ELSE lock_fence + 1 END, locked_by = ?, locked_until = {now} + ?, lock_token = ?",
    " AND (lock_token IS NULL OR lock_token = ? OR locked_until IS NULL OR locked_until <= {now})",
);

/// ttl; token, fence.
pub(crate) const RENEW: Texts =
    ("locked_until = {now} + ?", " AND lock_token = ? AND lock_fence = ? AND locked_until > {now}");

/// Nothing; token, fence.
pub(crate) const RELEASE: Texts = (
    "locked_by = NULL, locked_until = NULL, lock_token = NULL",
    " AND lock_token = ? AND lock_fence = ?",
);

/// A lease that is held, for who overrides it. Nothing; the fence that was seen.
///
/// The fence rises, so that its holder can tell this from their own release.
pub(crate) const BREAK: Texts = (
    "lock_fence = lock_fence + 1, locked_by = NULL, locked_until = NULL, lock_token = NULL",
    " AND lock_fence = ? AND lock_token IS NOT NULL",
);

/// The same for who takes it over. owner, ttl, token; the fence that was seen.
pub(crate) const STEAL: Texts = (
    "lock_fence = lock_fence + 1, locked_by = ?, locked_until = {now} + ?, lock_token = ?",
    " AND lock_fence = ? AND lock_token IS NOT NULL",
);

/// `UPDATE t SET <change> WHERE id = ? [AND version = ?] <condition>`
#[derive(Debug)]
pub struct Change<'a> {
    pub(crate) texts: Texts,
    pub(crate) assigned: Vec<LeaseBind<'a>>,
    pub(crate) compared: Vec<LeaseBind<'a>>,
}

/// A statement about the lease of one record.
pub(crate) struct OfRecord<'a, M: Versioned> {
    before: LeaseStatement<'a>,
    // A field, not a temporary: what is walked has to live as long as the binds.
    from: From<M>,
    between: LeaseStatement<'a>,
    assigned: LeaseStatement<'a>,
    key: &'a M::Key,
    expected: Option<&'a M::Version>,
    behind: LeaseStatement<'a>,
}

impl<'a, M: Versioned> OfRecord<'a, M> {
    pub(crate) fn change(
        change: Change<'a>,
        key: &'a M::Key,
        expected: Option<&'a M::Version>,
        tables: &'a LockTables,
        dialect: Dialect,
    ) -> Self {
        let text = |text, binds| LeaseStatement::new(text, tables, dialect, binds);
        let (assignments, condition) = change.texts;
        OfRecord {
            before: text("UPDATE ", Vec::new()),
            from: from::<M>(),
            between: text(" SET ", Vec::new()),
            assigned: text(assignments, change.assigned),
            key,
            expected,
            behind: text(condition, change.compared),
        }
    }

    /// What is read `how` says: with a lock clause or without.
    pub(crate) fn read(
        key: &'a M::Key,
        how: ReadColumns,
        tables: &'a LockTables,
        dialect: Dialect,
    ) -> Self {
        let text = |text| LeaseStatement::new(text, tables, dialect, Vec::new());
        OfRecord {
            before: text("SELECT lock_fence, lock_token, locked_by, locked_until, {now} FROM "),
            from: from::<M>(),
            between: text(""),
            assigned: text(""),
            key,
            expected: None,
            behind: text(match how {
                ReadColumns::Plainly => "",
                ReadColumns::Present => "{present}",
                ReadColumns::TakenInTurn => "{take}",
                ReadColumns::TakenAtOnce => "{nowait}",
            }),
        }
    }
}

/// How the columns of a lease are read.
#[derive(Debug, Clone, Copy)]
pub enum ReadColumns {
    Plainly,
    /// As they are now, whatever snapshot the transaction reads from.
    Present,
    /// The row is taken for this transaction, when those are done who have it now.
    TakenInTurn,
    /// The row is taken for this transaction, or it is an error at once.
    TakenAtOnce,
}

impl<M: Versioned> Query for OfRecord<'_, M> {
    type SqlType = Untyped;
}

// Found by its text, as all that is sent about leases.
impl<M: Versioned> QueryId for OfRecord<'_, M> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, M> QueryFragment<DB> for OfRecord<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
    for<'s> LeaseStatement<'s>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        self.from.walk_ast(out.reborrow())?;
        self.between.walk_ast(out.reborrow())?;
        self.assigned.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        M::__walk_key(self.key, out.reborrow())?;
        if let Some(expected) = self.expected {
            out.push_sql(" AND ");
            walk_version::<M, DB>(expected, out.reborrow())?;
        }
        self.behind.walk_ast(out)
    }
}

/// What a guarded write proves, and what it does for the lease.
pub struct Holding<'a> {
    pub(crate) token: &'a str,
    pub(crate) fence: i64,
    /// For how long it regains a lease that has run out. None where that is not to be regained: the write
    /// then proves as well that it lasts.
    pub(crate) regain: Option<i64>,
    pub(crate) dialect: Dialect,
}

/// Without the token.
impl std::fmt::Debug for Holding<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holding").field("fence", &self.fence).finish_non_exhaustive()
    }
}

impl Holding<'_> {
    /// `, locked_until = …`: what has run out, and was taken by nobody, is regained. Or nothing.
    pub(super) fn walk_regain<'b, DB>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend,
        i64: Bind<BigInt, DB>,
    {
        let Some(ttl) = &self.regain else { return Ok(()) };
        let now = self.dialect.now;
        out.push_sql(", locked_until = CASE WHEN locked_until > ");
        out.push_sql(now);
        out.push_sql(" THEN locked_until ELSE ");
        out.push_sql(now);
        out.push_sql(" + ");
        ttl.__bind(out.reborrow())?;
        out.push_sql(" END");
        Ok(())
    }

    /// ` AND lock_token = ? AND lock_fence = ? [AND locked_until > …]`
    pub(super) fn walk_proof<'b, DB>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend,
        for<'s> &'s str: Bind<Text, DB>,
        i64: Bind<BigInt, DB>,
    {
        out.push_sql(" AND lock_token = ");
        self.token.__bind(out.reborrow())?;
        out.push_sql(" AND lock_fence = ");
        self.fence.__bind(out.reborrow())?;
        if self.regain.is_none() {
            out.push_sql(" AND locked_until > ");
            out.push_sql(self.dialect.now);
        }
        Ok(())
    }
}

/// `UPDATE t SET <columns>, version = <next>, <regain> WHERE id = ? AND version = ? <proof>`
///
/// `REGAINS` is whether the holding does, which is all that the text depends on.
pub(crate) struct UpdateHeld<'a, M: Versioned, const REGAINS: bool> {
    pub(crate) model: &'a M,
    pub(crate) next: &'a M::Version,
    pub(crate) guard: Guard<'a, M>,
    pub(crate) holding: Holding<'a>,
}

/// `DELETE FROM t WHERE id = ? AND version = ? <proof>`
pub(crate) struct DeleteHeld<'a, M: Versioned, const REGAINS: bool> {
    pub(crate) guard: Guard<'a, M>,
    pub(crate) holding: Holding<'a>,
}

// The clock is part of the text, and not of the id: a connection has one dialect.
impl<M: Versioned, const REGAINS: bool> QueryId for UpdateHeld<'_, M, REGAINS> {
    type QueryId = UpdateHeld<'static, M, REGAINS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<M: Versioned, const REGAINS: bool> QueryId for DeleteHeld<'_, M, REGAINS> {
    type QueryId = DeleteHeld<'static, M, REGAINS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M, const REGAINS: bool> QueryFragment<DB> for UpdateHeld<'_, M, REGAINS>
where
    DB: Backend,
    M: VersionedOn<DB>,
    for<'s> &'s str: Bind<Text, DB>,
    i64: Bind<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.guard.walk_table(out.reborrow())?;
        out.push_sql(" SET ");
        self.model.__walk_columns(out.reborrow())?;
        walk_next::<M, DB>(self.next, out.reborrow())?;
        self.holding.walk_regain(out.reborrow())?;
        self.guard.walk_condition(out.reborrow())?;
        self.holding.walk_proof(out)
    }
}

impl<DB, M, const REGAINS: bool> QueryFragment<DB> for DeleteHeld<'_, M, REGAINS>
where
    DB: Backend,
    M: VersionedOn<DB>,
    for<'s> &'s str: Bind<Text, DB>,
    i64: Bind<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        self.guard.walk_table(out.reborrow())?;
        self.guard.walk_condition(out.reborrow())?;
        self.holding.walk_proof(out)
    }
}
