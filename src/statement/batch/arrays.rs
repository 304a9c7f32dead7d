//! A batch whose columns are sent as arrays. The text is the same for any number of records.
//!
//! The arrays are unnested in the select list, where an element that is a composite stays one column; in
//! a FROM clause it would become several.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Integer;

use super::{NEXT, carries_next, guards, walk_assignments, walk_join, written};
use crate::model::bounds::{Bind, ColumnValues};
use crate::model::{Versioned, VersionedOn};
use crate::statement::{From, from};

/// What a record's place in the batch is called.
const PLACE: &str = "noclobber_place";

/// `UPDATE t AS target SET "a" = batch."a", version = target.version + 1 FROM (SELECT unnest(?) AS
/// "id", unnest(?) AS "version", unnest(?) AS "a", generate_series(1, ?) AS noclobber_place) AS batch
/// WHERE target."id" = batch."id" AND target."version" = batch."version" RETURNING
/// batch.noclobber_place`
pub(crate) struct UpdateArrays<'a, M: Versioned, DB> {
    from: From<M>,
    guards: ColumnValues<'a, DB>,
    next: ColumnValues<'a, DB>,
    columns: ColumnValues<'a, DB>,
    rows: i32,
}

/// `DELETE FROM t AS target USING (SELECT …) AS batch WHERE … RETURNING batch.noclobber_place`
pub(crate) struct DeleteArrays<'a, M: Versioned, DB> {
    from: From<M>,
    guards: ColumnValues<'a, DB>,
    rows: i32,
}

impl<'a, M, DB> UpdateArrays<'a, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    /// `next` has a version for each of the models.
    pub(crate) fn new(models: &[&'a M], next: &[&'a M::Version]) -> Self {
        let (mut given, mut columns) = (ColumnValues::new(), ColumnValues::new());
        if carries_next::<M>() {
            M::__push_version_array(next.iter().copied(), &mut given);
        }
        M::__push_arrays(models, &mut columns);
        let from = from::<M>();
        UpdateArrays {
            from,
            guards: guard::<M, DB>(models),
            next: given,
            columns,
            rows: rows(models),
        }
    }
}

impl<'a, M, DB> DeleteArrays<'a, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    pub(crate) fn new(models: &[&'a M]) -> Self {
        DeleteArrays { from: from::<M>(), guards: guard::<M, DB>(models), rows: rows(models) }
    }
}

fn guard<'a, M, DB>(models: &[&'a M]) -> ColumnValues<'a, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    let mut guards = ColumnValues::new();
    M::__push_key_arrays(models, &mut guards);
    M::__push_version_array(models.iter().map(|model| model.version()), &mut guards);
    guards
}

/// Of a chunk, which is shorter than that.
fn rows<M>(models: &[&M]) -> i32 {
    i32::try_from(models.len()).unwrap_or(i32::MAX)
}

impl<M: Versioned, DB> Query for UpdateArrays<'_, M, DB> {
    type SqlType = Untyped;
}

impl<M: Versioned, DB> Query for DeleteArrays<'_, M, DB> {
    type SqlType = Untyped;
}

/// Stands for a statement whose own type has a lifetime in a type that is not to have one.
pub(crate) struct Id<M, Kind>(PhantomData<(M, Kind)>);
pub(crate) enum OfUpdate {}
pub(crate) enum OfDelete {}

impl<M: Versioned, DB> QueryId for UpdateArrays<'_, M, DB> {
    type QueryId = Id<M, OfUpdate>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<M: Versioned, DB> QueryId for DeleteArrays<'_, M, DB> {
    type QueryId = Id<M, OfDelete>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for UpdateArrays<'_, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
    i32: Bind<Integer, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" AS target SET ");
        walk_assignments::<M, DB>("", &mut out)?;
        out.push_sql(" FROM (SELECT ");
        let guards = guards::<M, DB>();
        walk_unnested(&guards, &self.guards, &mut out)?;
        walk_unnested(&[NEXT], &self.next, &mut out)?;
        walk_unnested(&written::<M, DB>(), &self.columns, &mut out)?;
        walk_rest(&guards, &self.rows, &mut out)
    }
}

impl<DB, M> QueryFragment<DB> for DeleteArrays<'_, M, DB>
where
    DB: Backend,
    M: VersionedOn<DB>,
    i32: Bind<Integer, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" AS target USING (SELECT ");
        let guards = guards::<M, DB>();
        walk_unnested(&guards, &self.guards, &mut out)?;
        walk_rest(&guards, &self.rows, &mut out)
    }
}

/// `unnest(?) AS "a", unnest(?) AS "b", `
fn walk_unnested<'b, DB: Backend>(
    names: &[&str],
    columns: &'b ColumnValues<'_, DB>,
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()> {
    for (name, column) in names.iter().zip(columns.iter()) {
        out.push_sql("unnest(");
        column.walk(out.reborrow())?;
        out.push_sql(") AS ");
        out.push_identifier(name)?;
        out.push_sql(", ");
    }
    Ok(())
}

/// `generate_series(1, ?) AS noclobber_place) AS batch WHERE … RETURNING batch.noclobber_place`
fn walk_rest<'b, DB>(
    guards: &[&str],
    rows: &'b i32,
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()>
where
    DB: Backend,
    i32: Bind<Integer, DB>,
{
    out.push_sql("generate_series(1, ");
    rows.__bind(out.reborrow())?;
    out.push_sql(") AS ");
    out.push_identifier(PLACE)?;
    out.push_sql(") AS batch WHERE ");
    walk_join(guards, out)?;
    out.push_sql(" RETURNING batch.");
    out.push_identifier(PLACE)
}
