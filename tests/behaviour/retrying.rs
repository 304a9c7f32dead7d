//! `retry` and `modify`: again, as long as that helps, and never inside a transaction.

use std::cell::Cell;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::retry::{Nested, Policy, Retry, Retryable, retry, retry_when, retryable_in};
use noclobber::{Error, Found, transaction};

use crate::support::{
    Document, documents, on_databases_that_can_veto, on_every_database, on_sqlite,
};

/// Several attempts and no time wasted between them.
fn brisk() -> Policy {
    Policy::default().attempts(5).pauses(Duration::from_micros(10), Duration::from_micros(100))
}

on_every_database! {
    fn work_that_succeeds_runs_once(conn) {
        let runs = Cell::new(0);
        let created = retry(&mut *conn, &brisk(), |conn| {
            runs.set(runs.get() + 1);
            Document::create(documents::title.eq("draft"), conn)
        });
        assert_eq!(row(created.unwrap().id, conn).unwrap().title, "draft");
        assert_eq!(runs.get(), 1);
    }

    fn a_conflict_is_not_tried_again_unless_asked_for(conn) {
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        let attempts = |policy: &Policy, conn: &mut Conn| {
            let error = retry(conn, policy, |conn| stale.clone().save(conn)).unwrap_err();
            error.conflict().unwrap().attempts()
        };
        assert_eq!(attempts(&brisk(), conn), 1);
        assert_eq!(attempts(&brisk().on_conflict(), conn), 5);
    }

    fn on_conflict_the_work_loads_anew_and_succeeds(conn) {
        let mut stale = Some(document("draft", conn));
        let id = stale.as_ref().unwrap().clone().touch(conn).unwrap().id;
        let saved = retry(&mut *conn, &brisk().on_conflict(), |conn| {
            let loaded = stale.take().map_or_else(|| Document::find(id, conn), Ok)?;
            loaded.save(conn)
        });
        assert_eq!(saved.unwrap().version, 3);
    }

    fn an_attempt_that_fails_leaves_nothing(conn) {
        let runs = Cell::new(0);
        let policy = brisk().on_conflict();
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        let answer = retry(&mut *conn, &policy, |conn| {
            runs.set(runs.get() + 1);
            document("left over", conn);
            stale.clone().save(conn)
        });
        assert!(answer.is_err());
        assert_eq!(runs.get(), 5);
        assert_eq!(documents::table.count().get_result::<i64>(conn), Ok(1));
    }

    fn it_refuses_inside_a_transaction(conn) {
        let refused = transaction(conn, |conn| {
            let refused = retry(&mut *conn, &brisk(), |_| Ok::<_, Error>(()));
            assert!(matches!(refused, Err(Error::InTransaction)), "{refused:?}");
            Document::modify(1, conn, |_| ())
        });
        assert!(matches!(refused, Err(Error::InTransaction)), "{refused:?}");
    }

    fn a_host_that_tests_inside_a_transaction_may_run_once(conn) {
        let stale = document("draft", conn);
        conn.begin_test_transaction().unwrap();
        stale.clone().touch(conn).unwrap();
        let policy = brisk().on_conflict().nested(Nested::RunOnce);
        let runs = Cell::new(0);
        let error = retry(&mut *conn, &policy, |conn| {
            runs.set(runs.get() + 1);
            stale.clone().save(conn)
        });
        assert!(error.unwrap_err().is_conflict());
        assert_eq!(runs.get(), 1);
        let change = |document: &mut Document| {
            document.title = "changed".into();
            Ok::<_, Error>(())
        };
        let modified = Document::try_modify(stale.id, &mut *conn, &policy, change).unwrap();
        assert_eq!((modified.title.as_str(), modified.version), ("changed", 3));
    }

    fn a_modification_is_written_at_the_next_version(conn) {
        let draft = document("draft", conn);
        let modified = Document::modify(draft.id, &mut *conn, |it| it.title = "final".into());
        let modified = modified.unwrap();
        assert_eq!(modified, Document { title: "final".into(), version: 2, ..draft });
        assert_eq!(row(modified.id, conn), Some(modified));
    }

    fn a_modification_of_a_missing_record_is_not_found(conn) {
        assert!(Document::modify(404, conn, |_| ()).unwrap_err().is_not_found());
    }

    fn a_modification_cannot_change_the_key(conn) {
        let (a, b) = (document("a", conn), document("b", conn));
        let error = Document::modify(a.id, &mut *conn, |it| it.id = b.id).unwrap_err();
        assert!(matches!(error, Error::KeyChanged { .. }), "{error:?}");
        assert_eq!(row(b.id, conn), Some(b));
    }

    fn a_modification_cannot_change_the_version_it_was_loaded_at(conn) {
        let draft = document("draft", conn);
        let modified = Document::modify(draft.id, conn, |it| it.version = 77).unwrap();
        assert_eq!(modified.version, 2);
    }

    fn an_error_of_the_change_ends_it_and_writes_nothing(conn) {
        let draft = document("draft", conn);
        let answer = Document::try_modify(draft.id, &mut *conn, &brisk(), |it| {
            it.title = "never".into();
            Err(Error::NotCreated { table: "mine" })
        });
        assert!(matches!(answer, Err(Error::NotCreated { table: "mine" })));
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn errors_of_any_type_can_be_judged_by_a_closure(conn) {
        type Anything = Box<dyn std::error::Error + Send + Sync>;
        let runs = Cell::new(0);
        let when = |error: &Anything| error.to_string() == "again";
        let answer = retry_when(&mut *conn, &brisk(), when, |_| {
            runs.set(runs.get() + 1);
            match runs.get() {
                3 => Ok(3),
                _ => Err::<_, Anything>("again".into()),
            }
        });
        assert_eq!(answer.unwrap(), 3);
        let answer = retry_when(conn, &brisk(), when, |_| Err::<(), Anything>("no".into()));
        assert_eq!(answer.unwrap_err().to_string(), "no");
    }
}

on_databases_that_can_veto! {
    fn a_veto_is_not_tried_again(conn) {
        let draft = document("draft", conn);
        run(VETO, conn);
        let error = retry(&mut *conn, &brisk().on_conflict(), |conn| draft.clone().save(conn));
        assert_eq!(error.unwrap_err().conflict().unwrap().attempts(), 1);
    }

    fn a_modification_that_is_vetoed_ends_at_once(conn) {
        let draft = document("draft", conn);
        run(VETO, conn);
        let runs = Cell::new(0);
        let error = Document::modify(draft.id, conn, |_| runs.set(runs.get() + 1)).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Vetoed);
        assert_eq!(runs.get(), 1);
    }
}

on_sqlite! {
    fn a_modification_of_a_record_that_is_deleted_meanwhile_ends_with_the_conflict(conn) {
        let draft = document("draft", conn);
        // The row goes when it is written, as if somebody else had been faster.
        run(
            "CREATE TRIGGER gone BEFORE UPDATE ON documents
             BEGIN DELETE FROM documents WHERE id = OLD.id; END",
            conn,
        );
        let runs = Cell::new(0);
        let error = Document::modify(draft.id, conn, |_| runs.set(runs.get() + 1)).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
        assert_eq!(runs.get(), 1);
    }
}

/// With more than one connection, or a pool.
mod with_several_connections {
    use super::*;
    use crate::support::sqlite::{document, run};
    use crate::support::{Database, Journal};

    #[test]
    fn a_busy_database_is_tried_again_and_the_error_counts_the_attempts() {
        let database = Database::file(Journal::Wal);
        let (one, other) = (&mut database.connect(), &mut database.connect_impatient());
        transaction(one, |_| {
            let error = retry(other, &brisk(), |_| Ok::<_, Error>(())).unwrap_err();
            let Error::Unavailable(unavailable) = &error else { panic!("{error:?}") };
            assert_eq!(unavailable.attempts(), 5);
            assert!(error.to_string().ends_with("(given up after 5 attempts)"), "{error}");
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    #[test]
    fn a_busy_database_is_served_once_it_is_free() {
        let database = Database::file(Journal::Wal);
        let mut holder = database.connect();
        let draft = document("draft", &mut holder);
        run("BEGIN IMMEDIATE", &mut holder);
        let other = &mut database.connect_impatient();
        let runs = Cell::new(0);
        let modified = Document::modify(draft.id, other, |document| {
            runs.set(runs.get() + 1);
            if runs.get() == 3 {
                run("COMMIT", &mut holder);
            }
            document.title.push('!');
        });
        assert_eq!(modified.unwrap().title, "draft!");
        assert_eq!(runs.get(), 3);
    }

    #[test]
    fn the_connection_is_back_in_the_pool_while_it_waits() {
        let database = Database::file(Journal::Wal);
        let pool = database.pool(1);
        let draft = document("draft", &mut pool.get().unwrap());
        let policy =
            Policy::default().pauses(Duration::from_millis(400), Duration::from_millis(400));
        std::thread::scope(|scope| {
            let (first_attempt, failed) = std::sync::mpsc::channel();
            let stale = draft.clone();
            let (pool, policy) = (&pool, policy.on_conflict());
            stale.clone().touch(&mut pool.get().unwrap()).unwrap();
            let waiting = scope.spawn(move || {
                retry(pool, &policy, |conn| {
                    let current = Document::find(stale.id, conn)?;
                    // Conflicts as long as nobody else has written, and waits for up to 400 ms then.
                    let alone = current.title == "draft";
                    let answer = if alone { stale.clone().save(conn) } else { current.save(conn) };
                    first_attempt.send(()).unwrap();
                    answer
                })
            });
            failed.recv().unwrap();
            // The only connection of the pool can be had meanwhile.
            let modified = Document::modify(draft.id, pool, |it| it.title = "meanwhile".into());
            assert_eq!(modified.unwrap().title, "meanwhile");
            assert_eq!(waiting.join().unwrap().unwrap().title, "meanwhile");
        });
    }

    #[test]
    fn a_web_backends_own_error_asks_for_what_its_source_asks_for() {
        #[derive(Debug, thiserror::Error)]
        enum AppError {
            #[error(transparent)]
            Transparent(#[from] Error),
            #[error("wrapped")]
            Wrapped(#[source] Error),
            #[error("query")]
            Query(#[from] diesel::result::Error),
            #[error("mine")]
            Mine,
        }
        impl Retryable for AppError {
            fn retry(&self) -> Retry {
                retryable_in(self)
            }
        }
        let busy = || {
            let kind = diesel::result::DatabaseErrorKind::Unknown;
            diesel::result::Error::DatabaseError(kind, Box::new("database is locked".to_owned()))
        };
        assert_eq!(AppError::from(Error::from(busy())).retry(), Retry::Restart);
        assert_eq!(AppError::Wrapped(Error::from(busy())).retry(), Retry::Restart);
        assert_eq!(AppError::from(busy()).retry(), Retry::Restart);
        assert_eq!(AppError::from(diesel::result::Error::NotFound).retry(), Retry::Never);
        assert_eq!(AppError::Mine.retry(), Retry::Never);

        let conn = &mut Database::in_memory().connect();
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        assert_eq!(AppError::from(stale.save(conn).unwrap_err()).retry(), Retry::OnConflict);
    }
}
