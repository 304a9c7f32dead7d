//! The SQL of leases: texts with places for the tables, the time, and the binds.
//!
//! `?` is a bind. `{locks}` and `{events}` are the tables; `{now}` is the database's present in
//! milliseconds since 1970, read when the expression is evaluated; `{hold}` keeps a row as it is until
//! commit, `{take}` for a write of it, and `{nowait}` does so or fails at once; `{present}` reads what is
//! there now, also in a transaction that sees the past; `{unless_there}` makes an insert of what is there
//! no error, where the database has words for it.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::backend::{Dialect, RowLock};
use crate::lease::LockTables;
use crate::model::bounds::Bind;

/// The columns of a lease, as they are read.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT entity, record, fence, token, owner, session, note, acquired_at, renewed_at, ",
            "expires_at, deadline_at, renewals, version, {now} FROM {locks}",
            $rest
        )
    };
}

/// One lease: entity, record.
pub(crate) const PEEK: &str = select!(" WHERE entity = ? AND record = ?");

/// The same, taken for this transaction, or an error at once.
pub(crate) const TAKE_AT_ONCE: &str = select!(" WHERE entity = ? AND record = ?{nowait}");

/// The same, taken when those are done who have it now.
///
/// Before a write that may have to wait for them: on PostgreSQL an UPDATE has computed the times that it
/// writes before it waits, and does not do so again when the row was locked and not changed.
pub(crate) const TAKE_IN_TURN: &str = select!(" WHERE entity = ? AND record = ?{take}");

/// The same as it is now, also in a transaction that sees the past.
pub(crate) const PRESENT: &str = select!(" WHERE entity = ? AND record = ?{present}");

/// The same, kept as it is until commit; and not shared, since who finds it expired writes it.
pub(crate) const HOLD: &str = select!(" WHERE entity = ? AND record = ?{take}");

/// A page of leases: owner, entity, and how many ms they are old at least, each twice and NULL for any;
/// whether expired ones are wanted; the last of the page before; the size of the page.
pub(crate) const LIST: &str = select!(
    " WHERE token IS NOT NULL AND (? IS NULL OR owner = ?) AND (? IS NULL OR entity = ?) \
     AND (? IS NULL OR acquired_at <= {now} - ?) AND (? = 1 OR expires_at > {now}) \
     AND (entity > ? OR (entity = ? AND record > ?)) ORDER BY entity, record LIMIT ?"
);

/// The highest fence of what was purged of an entity: entity.
pub(crate) const FLOOR: &str = select!(" WHERE entity = ? AND record = ''");

/// A lease of a record that had none: entity, record, token, owner, session, note, ttl, cap, version. Its
/// fence and its times come by [`FENCE`], when the row is there: the insert may have waited for a purge, or
/// for somebody who took the row back.
pub(crate) const CREATE: &str = "INSERT INTO {locks} (entity, record, fence, token, owner, session, note, acquired_at, \
     expires_at, deadline_at, renewals, version) \
     VALUES (?, ?, 0, ?, ?, ?, ?, {now}, {now} + ?, {now} + ?, 0, ?){unless_there}";

/// fence, ttl, cap; entity, record, token.
pub(crate) const FENCE: &str = "UPDATE {locks} SET fence = ?, acquired_at = {now}, expires_at = {now} + ?, deadline_at = {now} + ? \
     WHERE entity = ? AND record = ? AND fence = 0 AND token = ?";

/// A lease that is free: token, owner, session, note, ttl, cap, version; entity, record, the fence that
/// was seen.
pub(crate) const TAKE: &str = "UPDATE {locks} SET fence = fence + 1, token = ?, owner = ?, session = ?, note = ?, \
     acquired_at = {now}, renewed_at = NULL, expires_at = {now} + ?, deadline_at = {now} + ?, \
     renewals = 0, version = ? \
     WHERE entity = ? AND record = ? AND fence = ? AND (token IS NULL OR expires_at <= {now})";

/// A lease that is held, for who overrides it: as [`TAKE`], whatever its expiry.
pub(crate) const STEAL: &str = "UPDATE {locks} SET fence = fence + 1, token = ?, owner = ?, session = ?, note = ?, \
     acquired_at = {now}, renewed_at = NULL, expires_at = {now} + ?, deadline_at = {now} + ?, \
     renewals = 0, version = ? WHERE entity = ? AND record = ? AND fence = ? AND token IS NOT NULL";

/// The deadline, three times; entity, record, fence.
pub(crate) const KEEP_DEADLINE: &str = "UPDATE {locks} SET deadline_at = ?, \
     expires_at = CASE WHEN expires_at > ? THEN ? ELSE expires_at END \
     WHERE entity = ? AND record = ? AND fence = ?";

/// expiry, renewals; entity, record, fence, token.
pub(crate) const RENEW: &str = "UPDATE {locks} SET renewed_at = {now}, expires_at = ?, renewals = renewals + ? \
     WHERE entity = ? AND record = ? AND fence = ? AND token = ?";

/// entity, record, fence, token.
pub(crate) const RELEASE: &str = "UPDATE {locks} SET token = NULL, owner = NULL, session = NULL, note = NULL, \
     expires_at = {now}, deadline_at = NULL, version = NULL \
     WHERE entity = ? AND record = ? AND fence = ? AND token = ?";

/// The same for who overrides it: entity, record, fence.
pub(crate) const BREAK: &str = "UPDATE {locks} SET token = NULL, owner = NULL, session = NULL, note = NULL, \
     expires_at = {now}, deadline_at = NULL, version = NULL \
     WHERE entity = ? AND record = ? AND fence = ? AND token IS NOT NULL";

/// entity, record, fence, event, actor, holder, reason, renewals.
pub(crate) const RECORD_EVENT: &str = "INSERT INTO {events} (entity, record, fence, event, actor, holder, reason, at, renewals) \
     VALUES (?, ?, ?, ?, ?, ?, ?, {now}, ?)";

/// Everything of one record, the oldest first: entity, record.
pub(crate) const HISTORY: &str = "SELECT fence, event, actor, holder, reason, at, renewals FROM {events} \
     WHERE entity = ? AND record = ? ORDER BY id";

/// How a grant ended, the last word first: entity, record, fence.
pub(crate) const ENDING: &str = "SELECT fence, event, actor, holder, reason, at, renewals FROM {events} \
     WHERE entity = ? AND record = ? AND fence = ? \
     AND event IN ('released', 'expired', 'broken', 'stolen') ORDER BY id DESC LIMIT 1{present}";

/// The present. What is old is compared with a number, so that an index can find it: an expression that is
/// read anew for each row cannot be looked up.
pub(crate) const NOW: &str = "SELECT {now}";

/// Some of the leases that were over by then: when, how many.
pub(crate) const OVER: &str =
    select!(" WHERE record <> '' AND expires_at <= ? ORDER BY entity, record LIMIT ?{take}");

/// entity, fence.
pub(crate) const CREATE_FLOOR: &str =
    "INSERT INTO {locks} (entity, record, fence, renewals) VALUES (?, '', ?, 0){unless_there}";

/// fence, entity, fence.
pub(crate) const RAISE_FLOOR: &str =
    "UPDATE {locks} SET fence = ? WHERE entity = ? AND record = '' AND fence < ?";

/// entity, record, fence.
pub(crate) const FORGET: &str = "DELETE FROM {locks} WHERE entity = ? AND record = ? AND fence = ?";

/// How far some of the oldest events reach that happened by then, which is before all time if there is
/// none: when, how many.
pub(crate) const OLDEST_EVENTS: &str = "SELECT COALESCE(MAX(at), -1) FROM \
     (SELECT at FROM {events} WHERE at <= ? ORDER BY at LIMIT ?) AS oldest";

/// when.
pub(crate) const FORGET_EVENTS: &str = "DELETE FROM {events} WHERE at <= ?";

/// A statement about leases.
#[derive(Debug)]
pub struct LeaseStatement<'a> {
    text: &'static str,
    tables: &'a LockTables,
    dialect: Dialect,
    binds: Vec<LeaseBind<'a>>,
}

/// A value in a statement about leases.
pub enum LeaseBind<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Number(i64),
    MaybeNumber(Option<i64>),
}

/// No value is told: one of them may be a token.
impl std::fmt::Debug for LeaseBind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("?")
    }
}

impl<'a> LeaseStatement<'a> {
    pub(crate) fn new(
        text: &'static str,
        tables: &'a LockTables,
        dialect: Dialect,
        binds: Vec<LeaseBind<'a>>,
    ) -> Self {
        LeaseStatement { text, tables, dialect, binds }
    }
}

impl Query for LeaseStatement<'_> {
    type SqlType = Untyped;
}

// Found by its text: the names of the tables are part of it.
impl QueryId for LeaseStatement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for LeaseStatement<'_>
where
    DB: Backend,
    for<'a> &'a str: Bind<Text, DB>,
    i64: Bind<BigInt, DB>,
    for<'a> Option<&'a str>: Bind<Nullable<Text>, DB>,
    Option<i64>: Bind<Nullable<BigInt>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for place in places(self.text) {
            match place {
                Place::Sql(sql) => out.push_sql(sql),
                Place::Bind => match binds.next() {
                    Some(LeaseBind::Text(text)) => {
                        Bind::<Text, DB>::__bind(text, out.reborrow())?;
                    }
                    Some(LeaseBind::MaybeText(text)) => {
                        Bind::<Nullable<Text>, DB>::__bind(text, out.reborrow())?;
                    }
                    Some(LeaseBind::Number(number)) => {
                        Bind::<BigInt, DB>::__bind(number, out.reborrow())?;
                    }
                    Some(LeaseBind::MaybeNumber(number)) => {
                        Bind::<Nullable<BigInt>, DB>::__bind(number, out.reborrow())?;
                    }
                    None => return Err(mismatch(self.text)),
                },
                Place::Named("locks") => {
                    walk_table(self.tables, self.tables.locks(), out.reborrow())?;
                }
                Place::Named("events") => {
                    walk_table(self.tables, self.tables.events(), out.reborrow())?;
                }
                Place::Named("now") => out.push_sql(self.dialect.now),
                Place::Named("nowait") => {
                    out.push_sql(self.dialect.row_lock(RowLock::for_update().no_wait()));
                }
                Place::Named("take") => out.push_sql(self.dialect.row_lock(RowLock::for_update())),
                Place::Named("present") => out.push_sql(self.dialect.present),
                Place::Named("unless_there") => out.push_sql(self.dialect.unless_there),
                Place::Named(_) => return Err(mismatch(self.text)),
            }
        }
        if binds.next().is_some() { Err(mismatch(self.text)) } else { Ok(()) }
    }
}

pub(super) fn walk_table<'b, DB: Backend>(
    tables: &'b LockTables,
    name: &'b str,
    mut out: AstPass<'_, 'b, DB>,
) -> QueryResult<()> {
    if let Some(schema) = tables.schema() {
        out.push_identifier(schema)?;
        out.push_sql(".");
    }
    out.push_identifier(name)
}

/// A piece of a text.
#[derive(Debug, PartialEq)]
enum Place {
    Sql(&'static str),
    Bind,
    Named(&'static str),
}

fn places(mut text: &'static str) -> impl Iterator<Item = Place> {
    std::iter::from_fn(move || {
        let (place, rest) = if let Some(rest) = text.strip_prefix('?') {
            (Place::Bind, rest)
        } else if let Some((name, rest)) =
            text.strip_prefix('{').and_then(|behind| behind.split_once('}'))
        {
            (Place::Named(name), rest)
        } else if text.is_empty() {
            return None;
        } else {
            let end = text[1..].find(['?', '{']).map_or(text.len(), |at| at + 1);
            (Place::Sql(&text[..end]), &text[end..])
        };
        text = rest;
        Some(place)
    })
}

fn mismatch(text: &str) -> DieselError {
    DieselError::QueryBuilderError(format!("the places and the binds differ: {text}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart() {
        let pieces: Vec<_> = places("SELECT {now} FROM {locks} WHERE a = ?").collect();
        let expected = [
            Place::Sql("SELECT "),
            Place::Named("now"),
            Place::Sql(" FROM "),
            Place::Named("locks"),
            Place::Sql(" WHERE a = "),
            Place::Bind,
        ];
        assert_eq!(pieces, expected);
    }
}
