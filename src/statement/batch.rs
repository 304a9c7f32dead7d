//! Many records in one statement.
//!
//! The rows are a table of their own, `batch`, beside which the records are found by key and version. How
//! such a table is sent differs: [`arrays`] for PostgreSQL, [`union`] for MySQL.

pub(crate) mod arrays;
pub(crate) mod union;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::AstPass;
use diesel::query_source::Column;

use crate::model::{Versioned, VersionedOn};
use crate::version::Version;

/// What the version that a record is given is called in `batch`.
const NEXT: &str = "noclobber_next";

/// Whether the statement has to carry the next versions: the record's own gives them otherwise.
fn carries_next<M: Versioned>() -> bool {
    !M::Version::COUNTS
}

/// The columns of the key and of the version: what a record is found by.
fn guards<M: VersionedOn<DB>, DB: Backend>() -> Vec<&'static str> {
    let mut names = Vec::new();
    M::__push_key_names(&mut names);
    names.push(M::VersionColumn::NAME);
    names
}

/// The columns that a save writes.
fn written<M: VersionedOn<DB>, DB: Backend>() -> Vec<&'static str> {
    let mut names = Vec::new();
    M::__push_names(&mut names);
    names
}

/// `target."id" = batch."id" AND target."version" = batch."version"`
fn walk_join<DB: Backend>(names: &[&str], out: &mut AstPass<'_, '_, DB>) -> QueryResult<()> {
    for (position, name) in names.iter().enumerate() {
        out.push_sql(if position > 0 { " AND target." } else { "target." });
        out.push_identifier(name)?;
        out.push_sql(" = batch.");
        out.push_identifier(name)?;
    }
    Ok(())
}

/// `"a" = batch."a", "version" = target."version" + 1`, each column with `prefix` before it.
fn walk_assignments<M, DB>(prefix: &str, out: &mut AstPass<'_, '_, DB>) -> QueryResult<()>
where
    DB: Backend,
    M: VersionedOn<DB>,
{
    for name in written::<M, DB>() {
        out.push_sql(prefix);
        out.push_identifier(name)?;
        out.push_sql(" = batch.");
        out.push_identifier(name)?;
        out.push_sql(", ");
    }
    out.push_sql(prefix);
    out.push_identifier(M::VersionColumn::NAME)?;
    if carries_next::<M>() {
        out.push_sql(" = batch.");
        return out.push_identifier(NEXT);
    }
    out.push_sql(" = target.");
    out.push_identifier(M::VersionColumn::NAME)?;
    out.push_sql(" + 1");
    Ok(())
}
