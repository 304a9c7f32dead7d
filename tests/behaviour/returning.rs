//! Why no write of this crate believes a row that `RETURNING` hands out at its first step.
//!
//! In a rollback journal the row comes out before the statement commits, and the commit can still
//! fail when a reader holds the file. Whoever stops at the first row is told of a row that was
//! never stored.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use noclobber::prelude::*;

use crate::support::sqlite::{document, row};
use crate::support::{Database, Document, Journal, documents};

const INSERT: &str = "INSERT INTO documents (title) VALUES ('new') RETURNING id";

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Runs `write` while a reader keeps every writer from committing.
fn beside_a_reader<R>(database: &Database, write: impl FnOnce(&mut SqliteConnection) -> R) -> R {
    let (reader, writer) = (&mut database.connect(), &mut database.connect_impatient());
    document("draft", reader);
    let read = reader.transaction(|reader| {
        row(1, reader);
        QueryResult::Ok(write(writer))
    });
    read.unwrap()
}

fn count(database: &Database) -> i64 {
    documents::table.count().get_result(&mut database.connect()).unwrap()
}

#[test]
fn a_row_that_is_taken_at_the_first_step_may_never_be_stored() {
    let database = Database::file(Journal::Delete);
    let first_step =
        beside_a_reader(&database, |writer| diesel::sql_query(INSERT).get_result::<Id>(writer));
    // Diesel says that it is there, and it is not.
    assert_eq!(first_step.unwrap().id, 2);
    assert_eq!(count(&database), 1);
}

#[test]
fn a_statement_that_is_read_to_its_end_tells() {
    let database = Database::file(Journal::Delete);
    let to_the_end =
        beside_a_reader(&database, |writer| diesel::sql_query(INSERT).load::<Id>(writer));
    assert!(noclobber::Error::from(to_the_end.err().unwrap()).is_retryable());
    assert_eq!(count(&database), 1);
}

#[test]
fn a_creation_that_was_not_stored_is_never_a_success() {
    let database = Database::file(Journal::Delete);
    let created =
        beside_a_reader(&database, |writer| Document::create(documents::title.eq("new"), writer));
    assert!(created.unwrap_err().is_retryable());
    assert_eq!(count(&database), 1);
}
