//! A batch whose rows are listed in a union, for a database without arrays.
//!
//! The union's first branch selects nothing from the table itself: it gives the columns their types. Since
//! a match cannot be told from somebody else's write afterwards, the records are held, and compared,
//! before. The texts depend on the number of records and are prepared anew each time: kept, there would be
//! one for each number.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::Column;

use super::{NEXT, PLACE, carries_next, guards, walk_assignments, walk_join, written};
use crate::model::{Versioned, VersionedOn};
use crate::statement::{From, from};

/// `SELECT batch.noclobber_place, target."version", target."id" FROM t AS target JOIN (SELECT 0 AS noclobber_place, "id"
/// FROM t WHERE FALSE UNION ALL VALUES (0, ?), (1, ?)) AS batch ON target."id" = batch."id" FOR UPDATE`
pub(crate) struct HoldAll<'a, M: Versioned> {
    from: From<M>,
    list: List<'a, M>,
    clause: &'static str,
}

/// `UPDATE t AS target JOIN (SELECT "a", "id", "version" FROM t WHERE FALSE UNION ALL VALUES (?, ?, ?), …)
/// AS batch ON target."id" = batch."id" AND target."version" = batch."version" SET target."a" =
/// batch."a", target."version" = target."version" + 1`
pub(crate) struct UpdateUnion<'a, M: Versioned> {
    from: From<M>,
    list: List<'a, M>,
}

/// `DELETE target FROM t AS target JOIN (SELECT "id", "version" FROM t WHERE FALSE UNION ALL VALUES (?, ?),
/// …) AS batch ON target."id" = batch."id" AND target."version" = batch."version"`
pub(crate) struct DeleteUnion<'a, M: Versioned> {
    from: From<M>,
    list: List<'a, M>,
}

/// A record, and the version that it is given.
#[expect(missing_debug_implementations, reason = "it is full of values")]
pub struct Row<'a, M: Versioned> {
    pub(crate) model: &'a M,
    pub(crate) key: &'a M::Key,
    pub(crate) next: &'a M::Version,
}

/// The rows, and what each is introduced by.
struct List<'a, M: Versioned> {
    rows: &'a [Row<'a, M>],
    row: &'static str,
}

macro_rules! statements {
    ($($statement:ident { $($more:ident: $type:ty)? })*) => {$(
        impl<'a, M: Versioned> $statement<'a, M> {
            /// `row` is what the database introduces each row by.
            pub(crate) fn new(rows: &'a [Row<'a, M>], row: &'static str $(, $more: $type)?) -> Self {
                $statement { from: from::<M>(), list: List { rows, row } $(, $more)? }
            }
        }

        impl<M: Versioned> Query for $statement<'_, M> {
            type SqlType = Untyped;
        }

        // Found by its text, which is not kept either.
        impl<M: Versioned> QueryId for $statement<'_, M> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    )*};
}

statements! {
    HoldAll { clause: &'static str }
    UpdateUnion {}
    DeleteUnion {}
}

/// How many binds a row of an update has.
pub(crate) fn binds<M: VersionedOn<DB>, DB: Backend>() -> usize {
    guards::<M, DB>().len() + written::<M, DB>().len() + usize::from(carries_next::<M>())
}

impl<DB, M> QueryFragment<DB> for HoldAll<'_, M>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("SELECT batch.");
        out.push_identifier(PLACE)?;
        out.push_sql(", target.");
        out.push_identifier(M::VersionColumn::NAME)?;
        let guards = guards::<M, DB>();
        // All but the version.
        let keys = &guards[..M::KEY_COLUMNS];
        for key in keys {
            out.push_sql(", target.");
            out.push_identifier(key)?;
        }
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" AS target JOIN (SELECT 0 AS ");
        out.push_identifier(PLACE)?;
        out.push_sql(", ");
        M::__walk_key_columns(out.reborrow())?;
        self.list.walk(&self.from, &mut out, |place, row, out| {
            // No value of anybody's: a number.
            out.push_sql(&place.to_string());
            out.push_sql(", ");
            M::__walk_key_values(row.key, out.reborrow())
        })?;
        walk_join(keys, &mut out)?;
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
        walk_guard_columns::<M, DB>(&mut out)?;
        self.list.walk(&self.from, &mut out, |_, row, out| {
            row.model.__walk_values(out.reborrow())?;
            if carries_next::<M>() {
                M::__walk_version(row.next, out.reborrow())?;
                out.push_sql(", ");
            }
            row.walk_guards(out)
        })?;
        walk_join(&guards::<M, DB>(), &mut out)?;
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
        walk_guard_columns::<M, DB>(&mut out)?;
        self.list.walk(&self.from, &mut out, |_, row, out| row.walk_guards(out))?;
        walk_join(&guards::<M, DB>(), &mut out)
    }
}

/// `"id", "version"`
fn walk_guard_columns<M, DB>(out: &mut AstPass<'_, '_, DB>) -> QueryResult<()>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    M::__walk_key_columns(out.reborrow())?;
    out.push_sql(", ");
    out.push_identifier(M::VersionColumn::NAME)
}

impl<M: Versioned> List<'_, M> {
    /// ` FROM t WHERE FALSE UNION ALL VALUES (…), (…)) AS batch ON `; `walk_row` walks what stands in the
    /// parentheses.
    fn walk<'b, DB>(
        &'b self,
        from: &'b From<M>,
        out: &mut AstPass<'_, 'b, DB>,
        walk_row: impl for<'o> Fn(usize, &'b Row<'_, M>, &mut AstPass<'o, 'b, DB>) -> QueryResult<()>,
    ) -> QueryResult<()>
    where
        DB: Backend,
        M: VersionedOn<DB>,
    {
        out.push_sql(" FROM ");
        from.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE FALSE UNION ALL VALUES ");
        for (place, row) in self.rows.iter().enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            out.push_sql(self.row);
            out.push_sql("(");
            walk_row(place, row, out)?;
            out.push_sql(")");
        }
        out.push_sql(") AS batch ON ");
        Ok(())
    }
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
