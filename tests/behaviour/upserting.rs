//! `upsert`: a record that is to be new, or at a version; what is there is never written over.

use std::thread;

use diesel::prelude::*;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::{Error, Found, transaction};

use crate::support::{
    Barrier, Document, Witness, documents, on_databases_that_can_veto, on_every_database,
    on_every_shared_database,
};

/// A document that nobody has created, as it may come from elsewhere: its version does not count.
fn minutes(title: &str) -> Document {
    Document { id: 70, title: title.into(), body: None, views: 5, version: 99 }
}

fn found(error: Error) -> Found {
    error.conflict().unwrap_or_else(|| panic!("{error:?}")).found().clone()
}

fn names_a_table<'a>(sent: &'a [String], table: &str) -> Vec<&'a str> {
    let name = format!("\"{table}\"");
    sent.iter().map(String::as_str).filter(|sql| sql.contains(&name)).collect()
}

on_every_database! {
    fn a_record_that_is_to_be_new_is_created(conn) {
        let witness = Witness::of(conn);
        let created = minutes("new").upsert(None, conn).unwrap();
        let sent = witness.sent();
        let of_documents = names_a_table(&sent, "documents");
        let insert = format!("INSERT INTO \"documents\" (\"title\", \"body\", \"id\", \"version\") \
                              VALUES (?, ?, ?, ?){UNLESS_KEY_THERE}");
        assert_eq!(of_documents[0], insert);
        assert!(of_documents[1].starts_with("SELECT ") && of_documents.len() == 2, "{sent:?}");
        // What no save writes is the database's.
        assert_eq!(created, Document { views: 0, version: 1, ..minutes("new") });
        assert_eq!(row(70, conn), Some(created));
    }

    fn its_statement_is_prepared_once(conn) {
        let witness = Witness::of(conn);
        minutes("new").upsert(None, conn).unwrap();
        let prepared = witness.cached();
        assert!(prepared.iter().any(|sql| sql.starts_with("INSERT INTO \"documents\"")), "{prepared:?}");
        let another = Document { id: 71, body: Some("not NULL".into()), ..minutes("another") };
        another.upsert(None, conn).unwrap();
        assert!(names_a_table(&witness.cached(), "documents").is_empty());
    }

    fn a_record_that_exists_is_a_conflict_and_stays_as_it_is(conn) {
        let theirs = minutes("theirs").upsert(None, conn).unwrap().touch(conn).unwrap();
        let error = minutes("mine").upsert(None, conn).unwrap_err();
        let conflict = error.conflict().unwrap();
        assert_eq!((conflict.expected(), conflict.found()), ("", &Found::Version("2".into())));
        assert_eq!(
            error.to_string(),
            "documents 70 was not created: expected no row, found version 2"
        );
        assert!(is_outside(conn));
        assert_eq!(row(70, conn), Some(theirs));
    }

    fn with_a_version_it_is_a_save(conn) {
        minutes("first").upsert(None, conn).unwrap();
        let witness = Witness::of(conn);
        let saved = minutes("second").upsert(Some(1), conn).unwrap();
        assert_eq!(witness.sent(), ["UPDATE \"documents\" SET \"title\" = ?, \"body\" = ?, \
            \"version\" = \"version\" + 1 WHERE \"id\" = ? AND \"version\" = ?"]);
        assert_eq!((saved.title.as_str(), saved.version), ("second", 2));

        assert_eq!(found(minutes("late").upsert(Some(1), conn).unwrap_err()), Found::Version("2".into()));
        assert_eq!(row(70, conn).unwrap().title, "second");
        Document::find(70, conn).unwrap().delete(conn).unwrap();
        assert_eq!(found(minutes("late").upsert(Some(2), conn).unwrap_err()), Found::Deleted);
        assert_eq!(row(70, conn), None);
    }

    fn another_unique_key_that_is_taken_is_an_error_of_the_database(conn) {
        run("CREATE UNIQUE INDEX one_title ON documents (title)", conn);
        let other = document("taken", conn);
        let violated = |error: Error| {
            use diesel::result::{DatabaseErrorKind, Error as DieselError};
            let violated = DatabaseErrorKind::UniqueViolation;
            match error {
                Error::Database(DieselError::DatabaseError(kind, _)) => {
                    assert_eq!(format!("{kind:?}"), format!("{violated:?}"));
                }
                other => panic!("{other:?}"),
            }
        };
        violated(minutes("taken").upsert(None, conn).unwrap_err());
        // Inside a transaction, it goes on.
        transaction(conn, |conn| {
            violated(minutes("taken").upsert(None, conn).unwrap_err());
            minutes("free").upsert(None, conn)
        })
        .unwrap();
        // Both keys are taken: the record is there.
        assert_eq!(found(minutes("taken").upsert(None, conn).unwrap_err()), Found::Version("1".into()));
        assert_eq!(row(70, conn).unwrap().title, "free");
        assert_eq!(row(other.id, conn), Some(other));
    }

    fn inside_a_transaction_a_conflict_is_not_the_end_of_it(conn) {
        minutes("theirs").upsert(None, conn).unwrap();
        let id = transaction(conn, |conn| {
            let before = document("before", conn);
            assert!(minutes("mine").upsert(None, conn).unwrap_err().is_conflict());
            assert_eq!(row(70, conn).unwrap().title, "theirs");
            Ok::<_, Error>(before.id)
        });
        assert!(row(id.unwrap(), conn).is_some());
    }

    fn what_is_rolled_back_was_not_created(conn) {
        let answer = transaction(conn, |conn| {
            minutes("never").upsert(None, conn)?;
            Err::<(), _>(Error::InTransaction)
        });
        assert!(matches!(answer, Err(Error::InTransaction)));
        assert_eq!(minutes("new").upsert(None, conn).unwrap().version, 1);
    }

    /// The columns of leases are the database's, and a version may start at the clock.
    fn columns_of_leases_and_a_start_at_the_clock(conn) {
        run("CREATE TABLE notes (id BIGINT NOT NULL PRIMARY KEY, text VARCHAR(20) NOT NULL,
             version BIGINT NOT NULL, locked_by VARCHAR(255), locked_until BIGINT,
             lock_token VARCHAR(36), lock_fence BIGINT NOT NULL DEFAULT 0)", conn);
        diesel::table! {
            notes (id) {
                id -> BigInt, text -> Text, version -> BigInt, locked_by -> Nullable<Text>,
                locked_until -> Nullable<BigInt>, lock_token -> Nullable<Text>, lock_fence -> BigInt,
            }
        }
        #[derive(Debug, Clone, HasQuery, Versioned)]
        #[diesel(table_name = notes)]
        #[versioned(lock_columns, start = clock)]
        struct Note { id: i64, text: String, locked_by: Option<String>, version: i64 }

        let note = Note { id: 1, text: "new".into(), locked_by: Some("nobody".into()), version: 0 };
        let created = note.clone().upsert(None, conn).unwrap();
        assert_eq!((created.id, created.text.as_str(), created.locked_by), (1, "new", None));
        assert!(created.version > 1_000_000_000_000_000);
        let saved = note.upsert(Some(created.version), conn).unwrap();
        assert_eq!(saved.version, created.version + 1);
    }

    fn a_version_that_a_trigger_moves_on(conn) {
        use crate::triggers::Kept;

        run(MOVE_VERSION, conn);
        let draft = Kept::create(documents::title.eq("draft"), conn).unwrap();
        draft.clone().delete(conn).unwrap();
        let created = draft.clone().upsert(None, conn).unwrap();
        assert_eq!(created, draft);
        assert_eq!(draft.clone().upsert(Some(1), conn).unwrap().version, 11);
        assert_eq!(found(draft.upsert(Some(1), conn).unwrap_err()), Found::Version("11".into()));
    }
}

on_databases_that_can_veto! {
    fn an_insert_that_a_trigger_drops_is_told_as_such(conn) {
        run(DROP_INSERT, conn);
        let dropped = minutes("never").upsert(None, conn);
        assert!(matches!(dropped, Err(Error::NotCreated { table: "documents" })), "{dropped:?}");
    }
}

on_every_shared_database! {
    fn of_many_who_create_the_same_record_exactly_one_does(database) {
        const WRITERS: usize = 8;
        const ROUNDS: i64 = 15;
        let start = Barrier::new(WRITERS);
        let work = |writer: usize| -> Vec<noclobber::Result<Document>> {
            let conn = &mut database.connect();
            let round = |id| {
                start.wait();
                Document { id, ..minutes(&format!("{id} by {writer}")) }.upsert(None, conn)
            };
            (1..=ROUNDS).map(round).collect()
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let work = &work;
            let writers = (0..WRITERS).map(|writer| scope.spawn(move || work(writer)));
            let writers: Vec<_> = writers.collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let conn = &mut database.connect();
        for round in 0..15 {
            let of_round: Vec<_> = answers.iter().map(|answers| &answers[round]).collect();
            let created: Vec<_> = of_round.iter().filter_map(|answer| answer.as_ref().ok()).collect();
            assert_eq!(created.len(), 1, "{of_round:?}");
            assert_eq!(row(created[0].id, conn).as_ref(), Some(created[0]));
            for error in of_round.iter().filter_map(|answer| answer.as_ref().err()) {
                match error {
                    Error::Unavailable(unavailable) => assert_eq!(unavailable.reason(), Reason::Deadlock),
                    error => assert_eq!(*error.conflict().unwrap().found(), Found::Version("1".into())),
                }
            }
        }
    }
}
