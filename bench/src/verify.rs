//! A benchmark that does not do the work must fail: the rows are compared with what they must be.
//!
//! The look is independent of the contender. `VACUUM INTO` copies the database, in memory or not,
//! into a file, refuses while a transaction is open, and so shows only what was committed.

use rusqlite::Connection;

use crate::Result;
use crate::contender::Contender;
use crate::database::{Database, utf8};
use crate::workload::{AUTHOR, BODY, FIRST_VERSION, ID, PRICE, ROWS, UPDATED_AT, VIEWS, title};

type Row = (i64, String, Option<String>, String, i64, f64, String, i64);

pub fn verify(contender: &mut dyn Contender, database: &Database, saves: i64) -> Result<()> {
    let snapshot = database.snapshot();
    let quoted = utf8(&snapshot)?.replace('\'', "''");
    contender.execute_batch(&format!("VACUUM INTO '{quoted}'"))?;

    let connection = Connection::open(&snapshot)?;
    let found = row(&connection)?;
    let expected = expected(saves);
    if found != expected {
        let message =
            format!("after {saves} saves the row must be {expected:?}, but it is {found:?}");
        return Err(message.into());
    }
    match untouched(&connection)? {
        count if count == ROWS - 1 => Ok(()),
        count => Err(format!("of {} other rows only {count} were left alone", ROWS - 1).into()),
    }
}

fn row(connection: &Connection) -> Result<Row> {
    // `query_one` refuses a second row.
    Ok(connection.query_one("SELECT * FROM documents WHERE id = ?1", [ID], |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
        ))
    })?)
}

/// How many of the other rows are at their first version.
fn untouched(connection: &Connection) -> Result<i64> {
    let sql = "SELECT count(*) FROM documents WHERE id <> ?1 AND version = ?2";
    Ok(connection.query_one(sql, [ID, FIRST_VERSION], |row| row.get(0))?)
}

fn expected(saves: i64) -> Row {
    let version = FIRST_VERSION + saves;
    (
        ID,
        title(version).to_owned(),
        Some(BODY.to_owned()),
        AUTHOR.to_owned(),
        VIEWS,
        PRICE,
        UPDATED_AT.to_owned(),
        version,
    )
}
