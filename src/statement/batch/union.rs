//! A batch whose rows are the branches of a union, for a database without arrays.
//!
//! The first branch selects nothing from the table itself: it gives the columns their types. Since a match
//! cannot be told from somebody else's write afterwards, the records are held, and compared, before.
//! The texts depend on the number of records and are prepared anew each time: kept, there would be one
//! for each number.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::Column;

use super::{NEXT, carries_next, guards, walk_assignments, walk_join, written};
use crate::model::{Versioned, VersionedOn};
use crate::statement::{From, from};

/// `SELECT "id", "version" FROM t WHERE ("id" = ?) OR ("id" = ?) ORDER BY "id" FOR UPDATE`
pub(crate) struct HoldAll<'a, M: Versioned> {
    from: From<M>,
    keys: &'a [&'a M::Key],
    clause: &'static str,
}

/// `UPDATE t AS target JOIN (SELECT "id", "version", "a" FROM t WHERE FALSE UNION ALL SELECT ?, ?, ? …)
/// AS batch ON target."id" = batch."id" AND target."version" = batch."version" SET target."a" =
/// batch."a", target."version" = target."version" + 1`
pub(crate) struct UpdateUnion<'a, M: Versioned> {
    from: From<M>,
    rows: &'a [Row<'a, M>],
}

/// `DELETE target FROM t AS target JOIN (SELECT "id", "version" FROM t WHERE FALSE UNION ALL SELECT ?, ?
/// …) AS batch ON target."id" = batch."id" AND target."version" = batch."version"`
pub(crate) struct DeleteUnion<'a, M: Versioned> {
    from: From<M>,
    rows: &'a [Row<'a, M>],
}

/// A record, and the version that it is given.
#[expect(missing_debug_implementations, reason = "it is full of values")]
pub struct Row<'a, M: Versioned> {
    pub(crate) model: &'a M,
    pub(crate) key: &'a M::Key,
    pub(crate) next: &'a M::Version,
}

impl<'a, M: Versioned> HoldAll<'a, M> {
    pub(crate) fn new(keys: &'a [&'a M::Key], clause: &'static str) -> Self {
        HoldAll { from: from::<M>(), keys, clause }
    }
}

impl<'a, M: Versioned> UpdateUnion<'a, M> {
    pub(crate) fn new(rows: &'a [Row<'a, M>]) -> Self {
        UpdateUnion { from: from::<M>(), rows }
    }
}

impl<'a, M: Versioned> DeleteUnion<'a, M> {
    pub(crate) fn new(rows: &'a [Row<'a, M>]) -> Self {
        DeleteUnion { from: from::<M>(), rows }
    }
}

/// How many binds a row of an update has.
pub(crate) fn binds<M: VersionedOn<DB>, DB: Backend>() -> usize {
    guards::<M, DB>().len() + written::<M, DB>().len() + usize::from(carries_next::<M>())
}

impl<M: Versioned> Query for HoldAll<'_, M> {
    type SqlType = Untyped;
}

macro_rules! found_by_text {
    ($($statement:ident)*) => {$(
        impl<M: Versioned> QueryId for $statement<'_, M> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    )*};
}

found_by_text!(HoldAll UpdateUnion DeleteUnion);

impl<DB, M> QueryFragment<DB> for HoldAll<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("SELECT ");
        M::__walk_key_columns(out.reborrow())?;
        out.push_sql(", ");
        out.push_identifier(M::VersionColumn::NAME)?;
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        // Lists of more than one column are not looked up in every index.
        for (position, key) in self.keys.iter().copied().enumerate() {
            out.push_sql(if position > 0 { ") OR (" } else { " WHERE (" });
            M::__walk_key(key, out.reborrow())?;
        }
        out.push_sql(") ORDER BY ");
        M::__walk_key_columns(out.reborrow())?;
        out.push_sql(self.clause);
        Ok(())
    }
}

impl<DB, M> QueryFragment<DB> for UpdateUnion<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" AS target JOIN (SELECT ");
        for name in written::<M, DB>() {
            out.push_identifier(name)?;
            out.push_sql(", ");
        }
        if carries_next::<M>() {
            out.push_identifier(M::VersionColumn::NAME)?;
            out.push_sql(" AS ");
            out.push_identifier(NEXT)?;
            out.push_sql(", ");
        }
        walk_batch(&self.from, self.rows, &mut out, |row, out| {
            row.model.__walk_values(out.reborrow())?;
            if carries_next::<M>() {
                M::__walk_version(row.next, out.reborrow())?;
                out.push_sql(", ");
            }
            Ok(())
        })?;
        out.push_sql(" SET ");
        walk_assignments::<M, DB>("target.", &mut out)
    }
}

impl<DB, M> QueryFragment<DB> for DeleteUnion<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("DELETE target FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" AS target JOIN (SELECT ");
        walk_batch(&self.from, self.rows, &mut out, |_, _| Ok(()))
    }
}

/// The rest of the table `batch`, and how it is joined; `more` walks what each row has before its guards.
fn walk_batch<'b, M, DB>(
    from: &'b From<M>,
    rows: &'b [Row<'_, M>],
    out: &mut AstPass<'_, 'b, DB>,
    more: impl for<'o> Fn(&'b Row<'_, M>, &mut AstPass<'o, 'b, DB>) -> QueryResult<()>,
) -> QueryResult<()>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    M::__walk_key_columns(out.reborrow())?;
    out.push_sql(", ");
    out.push_identifier(M::VersionColumn::NAME)?;
    out.push_sql(" FROM ");
    from.walk_ast(out.reborrow())?;
    out.push_sql(" WHERE FALSE");
    for row in rows {
        out.push_sql(" UNION ALL SELECT ");
        more(row, out)?;
        row.walk_guards(out)?;
    }
    out.push_sql(") AS batch ON ");
    walk_join(&guards::<M, DB>(), out)
}

impl<M: Versioned> Row<'_, M> {
    /// `?, ?`: key and version.
    fn walk_guards<'b, DB>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend,
        M: VersionedOn<DB>,
    {
        M::__walk_key_values(self.key, out.reborrow())?;
        out.push_sql(", ");
        M::__walk_version(self.model.version(), out.reborrow())
    }
}
