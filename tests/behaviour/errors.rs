//! What every error says: to a person (`Display`) and in a failing test (`Debug`).

use insta::assert_snapshot;
use noclobber::error::Record;
use noclobber::prelude::*;
use noclobber::{Error, transaction};

use crate::support::sqlite::{VETO, document, run};
use crate::support::{Database, Document, Journal};

/// Both texts, one under the other.
fn texts(error: &Error) -> String {
    format!("{error}\n{error:?}")
}

#[test]
fn a_conflict_with_another_version() {
    let conn = &mut Database::in_memory().connect();
    let stale = document("draft", conn);
    stale.clone().touch(conn).unwrap();
    assert_snapshot!(texts(&stale.save(conn).unwrap_err()), @r#"
    documents 1 was changed by somebody else: expected version 1, found version 2
    ConcurrentModification(ConcurrentModificationError { table: "documents", key: "1", expected: "1", found: Version("2"), attempts: 1 })
    "#);
}

#[test]
fn a_conflict_with_a_delete() {
    let conn = &mut Database::in_memory().connect();
    let stale = document("draft", conn);
    stale.clone().delete(conn).unwrap();
    assert_snapshot!(texts(&stale.save(conn).unwrap_err()), @r#"
    documents 1 was deleted by somebody else: expected version 1, found no row
    ConcurrentModification(ConcurrentModificationError { table: "documents", key: "1", expected: "1", found: Deleted, attempts: 1 })
    "#);
}

#[test]
fn a_veto() {
    let conn = &mut Database::in_memory().connect();
    let draft = document("draft", conn);
    run(VETO, conn);
    assert_snapshot!(texts(&draft.save(conn).unwrap_err()), @r#"
    documents 1 was not written: it has the expected version 1, but a trigger, a rule or row-level security of the database kept the write from it, or the version is stored in another form than Diesel writes it
    ConcurrentModification(ConcurrentModificationError { table: "documents", key: "1", expected: "1", found: Vetoed, attempts: 1 })
    "#);
}

#[test]
fn a_conflict_nobody_could_look_at() {
    let conn = &mut Database::in_memory().connect();
    let draft = document("draft", conn);
    run(
        "CREATE TABLE copy AS SELECT * FROM documents;
         DROP TABLE documents;
         ALTER TABLE copy RENAME TO documents;
         UPDATE documents SET version = NULL",
        conn,
    );
    assert_snapshot!(texts(&draft.save(conn).unwrap_err()), @r#"
    documents 1 was not written: no row had the expected version 1, and what is there instead could not be seen
    ConcurrentModification(ConcurrentModificationError { table: "documents", key: "1", expected: "1", found: Unknown, attempts: 1 })
    "#);
}

#[test]
fn a_conflict_after_several_attempts() {
    let conn = &mut Database::in_memory().connect();
    let stale = document("draft", conn);
    stale.clone().touch(conn).unwrap();
    let policy = noclobber::retry::Policy::default().attempts(3).on_conflict();
    let error = noclobber::retry(conn, &policy, |conn| stale.clone().save(conn)).unwrap_err();
    assert_snapshot!(texts(&error), @r#"
    documents 1 was changed by somebody else: expected version 1, found version 2 (given up after 3 attempts)
    ConcurrentModification(ConcurrentModificationError { table: "documents", key: "1", expected: "1", found: Version("2"), attempts: 3 })
    "#);
}

#[test]
fn a_busy_database() {
    let database = Database::file(Journal::Wal);
    let (one, other) = (&mut database.connect(), &mut database.connect_impatient());
    run("BEGIN IMMEDIATE", one);
    let error = transaction(other, |_| Ok::<_, Error>(())).unwrap_err();
    assert_snapshot!(texts(&error), @r#"
    another writer holds the database: database is locked
    Unavailable(Unavailable { reason: Busy, attempts: 1, source: DatabaseError(Unknown, "database is locked") })
    "#);
}

#[test]
fn an_exhausted_pool() {
    let database = Database::file(Journal::Wal);
    let pool = diesel::r2d2::Pool::builder()
        .max_size(1)
        .connection_timeout(std::time::Duration::from_secs(1))
        .build(diesel::r2d2::ConnectionManager::<diesel::SqliteConnection>::new(database.url()))
        .unwrap();
    let _held = pool.get().unwrap();
    let policy = noclobber::retry::Policy::default().attempts(2);
    let error = noclobber::retry(&pool, &policy, |_| Ok::<_, Error>(())).unwrap_err();
    assert_snapshot!(texts(&error), @r#"
    the pool had no connection to give: timed out waiting for connection (given up after 2 attempts)
    Unavailable(Unavailable { reason: PoolExhausted, attempts: 2, source: Error(None) })
    "#);
}

#[test]
fn a_missing_record() {
    let conn = &mut Database::in_memory().connect();
    assert_snapshot!(texts(&Document::find(404, conn).unwrap_err()), @r#"
    documents 404 does not exist
    NotFound(Record { table: "documents", key: "404" })
    "#);
}

#[test]
fn a_key_that_is_none() {
    let record = Record::new("lines", "7");
    assert_snapshot!(texts(&Error::KeyNotUnique { record, rows: 3 }), @r#"
    the key of lines 7 is not unique: it matched 3 rows; declare the whole primary key
    KeyNotUnique { record: Record { table: "lines", key: "7" }, rows: 3 }
    "#);
}

#[test]
fn a_version_at_its_end() {
    let record = Record::new("documents", "7");
    let error = Error::VersionExhausted { record, version: i16::MAX.to_string() };
    assert_snapshot!(texts(&error), @r#"
    documents 7 cannot be written any more: its version 32767 is the last one of its type; give the column a wider type
    VersionExhausted { record: Record { table: "documents", key: "7" }, version: "32767" }
    "#);
}

#[test]
fn a_version_that_stayed() {
    let record = Record::new("documents", "7");
    assert_snapshot!(texts(&Error::VersionUnchanged { record, version: "1".into() }), @r#"
    no trigger moved the version 1 of documents 7 on, as `#[versioned(trigger)]` says it does: nothing was written; create a trigger that does so at every UPDATE of the table
    VersionUnchanged { record: Record { table: "documents", key: "7" }, version: "1" }
    "#);
}

#[test]
fn a_changed_key() {
    let conn = &mut Database::in_memory().connect();
    let draft = document("draft", conn);
    let error = Document::modify(draft.id, conn, |document| document.id = 8).unwrap_err();
    assert_snapshot!(texts(&error), @r#"
    the change of documents 1 turned its key into 8; a key is not changed by a save: delete the record and create another one
    KeyChanged { loaded: Record { table: "documents", key: "1" }, changed: "8" }
    "#);
}

#[test]
fn a_dropped_insert() {
    assert_snapshot!(texts(&Error::NotCreated { table: "documents" }), @r#"
    no row of documents was created: a trigger or a rule of the database dropped the insert
    NotCreated { table: "documents" }
    "#);
}

#[test]
fn a_key_that_is_not_told() {
    assert_snapshot!(texts(&Error::KeyUnknown { table: "documents" }), @r#"
    the database does not tell the key of the new row of documents; nothing was created: give the key by `create_with`
    KeyUnknown { table: "documents" }
    "#);
}

#[test]
fn an_unknown_outcome_of_another_model() {
    assert_snapshot!(texts(&Error::NotOfThisModel { table: "documents" }), @r#"
    this unknown outcome is not that of a write to documents: resolve it by the model that was written; a lost COMMIT names no record
    NotOfThisModel { table: "documents" }
    "#);
}

#[test]
fn every_reason_of_an_unavailable_database() {
    use noclobber::error::Reason::*;

    let reasons = [Busy, Deadlock, Serialization, LockTimeout, ConnectionLost, PoolExhausted];
    let texts: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    assert_snapshot!(texts.join("\n"), @r"
    another writer holds the database
    the database broke a deadlock
    another transaction wrote what this one had read
    another transaction holds the lock
    the connection was lost
    the pool had no connection to give
    ");
}

#[test]
fn inside_and_outside_a_transaction() {
    assert_snapshot!(texts(&Error::InTransaction), @r#"
    a transaction is already open, and what is tried again inside it may never succeed; call this outside the transaction, or allow a single run with `.nested(RunOnce)`
    InTransaction
    "#);
    assert_snapshot!(texts(&Error::NotInTransaction), @r#"
    no transaction is open, and what is held here is held until the transaction ends: call this inside `noclobber::transaction`
    NotInTransaction
    "#);
}

#[test]
fn a_transaction_that_is_no_more() {
    let conn = &mut Database::in_memory().connect();
    let error = transaction(conn, |conn| {
        run("ROLLBACK", conn);
        Ok::<_, Error>(())
    });
    assert_snapshot!(texts(&error.unwrap_err()), @r#"
    the transaction was no longer the one that was begun: the database rolled it back, because an error inside it was ignored, or it was ended, or another one left open, by hand; what was sent after that may be written
    RolledBack(DatabaseError(Unknown, "no such savepoint: noclobber_alive"))
    "#);
}

#[test]
fn an_error_of_the_database() {
    let conn = &mut Database::in_memory().connect();
    let draft = document("draft", conn);
    let error = Document { title: "forbidden".into(), ..draft }.save(conn).unwrap_err();
    assert_snapshot!(texts(&error), @r#"
    CHECK constraint failed: title <> 'forbidden'
    Database(DatabaseError(CheckViolation, "CHECK constraint failed: title <> 'forbidden'"))
    "#);
}

/// A walk along the sources meets the error that `Display` speaks of.
#[test]
fn the_source_is_what_happened() {
    use std::error::Error as _;

    let error = Error::from(diesel::result::Error::NotFound);
    assert!(error.source().unwrap().is::<diesel::result::Error>());

    let conn = &mut Database::in_memory().connect();
    let stale = document("draft", conn);
    stale.clone().touch(conn).unwrap();
    let conflict = stale.save(conn).unwrap_err();
    assert!(conflict.source().unwrap().is::<noclobber::ConcurrentModificationError>());
}

/// Errors cross threads, and fit where `?` makes a boxed error of them.
#[test]
fn an_error_can_be_sent_and_boxed() {
    fn sendable<T: Send + Sync + 'static>(_: &T) {}
    sendable(&Error::InTransaction);
    let boxed: Box<dyn std::error::Error + Send + Sync> = Error::InTransaction.into();
    assert!(boxed.is::<Error>());
}
