//! Sends statements about leases, and says what is missing when the tables are.

use diesel::QueryResult;

use super::store::LockStore;
use crate::backend;
use crate::error::{Error, Result};
use crate::lease::{EventKind, EventRow, LeaseRow, LockTables};
use crate::statement::lease::{self, LeaseBind, LeaseStatement};

/// The number of rows that a statement has changed.
pub(super) fn execute<C: LockStore>(
    text: &'static str,
    tables: &LockTables,
    binds: Vec<LeaseBind<'_>>,
    conn: &mut C,
) -> Result<usize> {
    let statement = LeaseStatement::new(text, tables, backend::dialect(conn), binds);
    told(conn.__lease_execute(&statement), tables)
}

/// Whether an insert has made a row, or found one there.
pub(super) fn insert<C: LockStore>(
    text: &'static str,
    tables: &LockTables,
    binds: Vec<LeaseBind<'_>>,
    conn: &mut C,
) -> Result<bool> {
    use diesel::result::{DatabaseErrorKind, Error as DieselError};

    match execute(text, tables, binds, conn) {
        // Where the database has no words for it.
        Err(Error::Database(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => {
            Ok(false)
        }
        rows => Ok(rows? > 0),
    }
}

pub(super) fn leases<C: LockStore>(
    text: &'static str,
    tables: &LockTables,
    binds: Vec<LeaseBind<'_>>,
    conn: &mut C,
) -> Result<Vec<LeaseRow>> {
    let statement = LeaseStatement::new(text, tables, backend::dialect(conn), binds);
    told(conn.__leases(statement), tables)
}

pub(super) fn lease<C: LockStore>(
    text: &'static str,
    tables: &LockTables,
    binds: Vec<LeaseBind<'_>>,
    conn: &mut C,
) -> Result<Option<LeaseRow>> {
    Ok(leases(text, tables, binds, conn)?.into_iter().next())
}

pub(super) fn events<C: LockStore>(
    text: &'static str,
    tables: &LockTables,
    binds: Vec<LeaseBind<'_>>,
    conn: &mut C,
) -> Result<Vec<EventRow>> {
    let statement = LeaseStatement::new(text, tables, backend::dialect(conn), binds);
    told(conn.__lease_events(statement), tables)
}

/// The only number of the only row.
pub(super) fn number<C: LockStore>(
    text: &'static str,
    tables: &LockTables,
    binds: Vec<LeaseBind<'_>>,
    conn: &mut C,
) -> Result<i64> {
    let statement = LeaseStatement::new(text, tables, backend::dialect(conn), binds);
    told(conn.__lease_number(statement), tables)
}

/// What is written into the history.
pub(super) struct Happened<'a> {
    pub(super) entity: &'a str,
    pub(super) record: &'a str,
    pub(super) fence: i64,
    pub(super) kind: EventKind,
    pub(super) actor: &'a str,
    pub(super) holder: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
    pub(super) renewals: i64,
}

pub(super) fn happened<C: LockStore>(
    it: &Happened<'_>,
    tables: &LockTables,
    conn: &mut C,
) -> Result<()> {
    use LeaseBind::{MaybeText, Number, Text};

    let binds = vec![
        Text(it.entity),
        Text(it.record),
        Number(it.fence),
        Text(it.kind.name()),
        Text(it.actor),
        MaybeText(it.holder),
        MaybeText(it.reason),
        Number(it.renewals),
    ];
    execute(lease::RECORD_EVENT, tables, binds, conn).map(drop)
}

/// Refuses a clock that stands still inside a statement: a lease that was waited for would be judged by
/// the time before the wait.
pub(super) fn refuse_frozen_clock<C: LockStore>(tables: &LockTables, conn: &mut C) -> Result<()> {
    let Some(checks) = backend::dialect(conn).frozen else { return Ok(()) };
    for frozen in checks {
        if number(frozen, tables, Vec::new(), conn)? == 0 {
            return Ok(());
        }
    }
    Err(Error::FrozenClock)
}

fn told<T>(answer: QueryResult<T>, tables: &LockTables) -> Result<T> {
    answer.map_err(|error| of_missing_tables(error.into(), tables))
}

/// The cure, where the error is that one of these tables is not there.
pub(super) fn of_missing_tables(error: Error, tables: &LockTables) -> Error {
    match error {
        Error::Database(source)
            if backend::is_missing_table(&source)
                && [tables.locks(), tables.events()]
                    .into_iter()
                    .any(|table| names(&source.to_string(), table)) =>
        {
            let tables = format!("{} and {}", tables.locks(), tables.events());
            Error::LockTablesMissing { tables, source }
        }
        error => error,
    }
}

/// Whether a message names this table, with its schema or without, in quotes or at its end.
fn names(message: &str, table: &str) -> bool {
    let before = |character: char| matches!(character, '"' | '\'' | '.' | ' ');
    let behind = |character: char| matches!(character, '"' | '\'');
    message.match_indices(table).any(|(at, _)| {
        message[..at].ends_with(before)
            && (message[at + table.len()..].is_empty()
                || message[at + table.len()..].starts_with(behind))
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_table_is_told_from_one_whose_name_ends_alike() {
        for message in [
            "no such table: locks",
            "relation \"locks\" does not exist",
            "relation \"audit.locks\" does not exist",
            "Table 'test.locks' doesn't exist",
        ] {
            assert!(names(message, "locks"), "{message}");
        }
        for message in
            ["no such table: blocks", "no such table: locks_of_old", "relation \"flocks\" x"]
        {
            assert!(!names(message, "locks"), "{message}");
        }
    }
}
