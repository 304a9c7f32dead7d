//! `transaction`: all or nothing, and never a wrong answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, transaction};

use crate::support::{Document, Witness, documents, on_every_database, on_sqlite};

/// Fails an insert of the title `broken` and ends the transaction it is in, as SQLite does by
/// itself when the disk is full.
const ROLL_BACK: &str = "
    CREATE TRIGGER broken BEFORE INSERT ON documents WHEN NEW.title = 'broken'
    BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END";

fn break_it(conn: &mut SqliteConnection) {
    let broken = diesel::insert_into(documents::table).values(documents::title.eq("broken"));
    broken.execute(conn).unwrap_err();
}

on_every_database! {
    fn what_belongs_together_is_committed_together(conn) {
        let (a, b) = (document("a", conn), document("b", conn));
        let (a, b) = transaction(conn, |conn| {
            Ok::<_, Error>((a.save(conn)?, b.save(conn)?))
        })
        .unwrap();
        assert_eq!(row(a.id, conn), Some(a));
        assert_eq!(row(b.id, conn), Some(b));
        assert!(is_outside(conn));
    }

    fn an_error_rolls_everything_back(conn) {
        let (a, b) = (document("a", conn), document("b", conn));
        b.clone().save(conn).unwrap();
        let error = transaction(conn, |conn| {
            Document { title: "changed".into(), ..a.clone() }.save(conn)?;
            b.save(conn)
        });
        assert!(error.unwrap_err().is_conflict());
        assert_eq!(row(a.id, conn), Some(a));
        assert!(is_outside(conn));
    }

    fn it_begins_immediately(conn) {
        let witness = Witness::of(conn);
        transaction(conn, |_| Ok::<_, Error>(())).unwrap();
        assert_eq!(witness.sent(), [
            "BEGIN",
            AFTER_BEGIN,
            "RELEASE SAVEPOINT noclobber_alive",
            "COMMIT",
        ]);
    }

    fn a_panic_rolls_back(conn) {
        let draft = document("draft", conn);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            transaction(conn, |conn| -> Result<(), Error> {
                Document { title: "changed".into(), ..draft.clone() }.save(conn)?;
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        assert!(is_outside(conn));
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn a_panic_in_a_nested_one_rolls_back_to_its_savepoint(conn) {
        let draft = document("draft", conn);
        let kept = transaction(conn, |conn| {
            let kept = Document { title: "kept".into(), ..draft.clone() }.save(conn)?;
            let again = kept.clone();
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                transaction(conn, |conn| -> Result<(), Error> {
                    again.save(conn)?;
                    panic!("on purpose");
                })
            }));
            assert!(panicked.is_err());
            Ok::<_, Error>(kept)
        });
        let kept = kept.unwrap();
        assert_eq!((kept.title.as_str(), kept.version), ("kept", 2));
        assert_eq!(row(draft.id, conn), Some(kept));
    }

    fn the_closures_error_survives_a_failing_rollback(conn) {
        let error = transaction(conn, |conn| -> Result<(), Error> {
            // Nothing is left to roll back.
            conn.batch_execute("ROLLBACK")?;
            Err(Error::NotCreated { table: "mine" })
        });
        assert!(matches!(error, Err(Error::NotCreated { table: "mine" })), "{error:?}");
    }

    fn a_nested_one_is_a_savepoint(conn) {
        let draft = document("draft", conn);
        let outcome = transaction(conn, |conn| {
            let first = Document { title: "first".into(), ..draft.clone() }.save(conn)?;
            let undone = transaction(conn, |conn| {
                Document { title: "second".into(), ..first.clone() }.save(conn)?;
                Err::<(), _>(Error::NotCreated { table: "undo" })
            });
            assert!(undone.is_err());
            Ok::<_, Error>(first)
        });
        assert_eq!(row(draft.id, conn), Some(outcome.unwrap()));
    }

    fn an_outer_rollback_undoes_a_save(conn) {
        let draft = document("draft", conn);
        let _ = conn.transaction(|conn| {
            draft.clone().save(conn).unwrap();
            Err::<(), _>(diesel::result::Error::RollbackTransaction)
        });
        assert_eq!(row(draft.id, conn), Some(draft.clone()));
        // And the copy that was loaded before is as good as ever.
        assert_eq!(draft.save(conn).unwrap().version, 2);
    }

    fn a_transaction_left_open_inside_is_rolled_back(conn) {
        use diesel::connection::TransactionManager;
        type Manager = <Conn as Connection>::TransactionManager;

        let draft = document("draft", conn);
        let answer = transaction(conn, |conn| {
            draft.clone().save(conn)?;
            Manager::begin_transaction(conn)?;
            Ok::<_, Error>(())
        });
        assert!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
        assert!(is_outside(conn));
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn a_transaction_that_was_ended_inside_is_never_ok(conn) {
        use diesel::connection::TransactionManager;
        type Manager = <Conn as Connection>::TransactionManager;

        let draft = document("draft", conn);
        let answer = transaction(conn, |conn| {
            draft.clone().save(conn)?;
            let nested = transaction(conn, |conn| {
                Manager::rollback_transaction(conn)?;
                Ok::<_, Error>(())
            });
            assert!(matches!(nested, Err(Error::RolledBack(_))), "{nested:?}");
            nested
        });
        assert!(answer.is_err());
        assert!(is_outside(conn));
        // What the outer one wrote was not committed by the inner one.
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn closures_have_errors_of_their_own(conn) {
        #[derive(Debug, thiserror::Error)]
        enum Mine {
            #[error("query")]
            Query(#[from] diesel::result::Error),
            #[error("save")]
            Save(#[from] Error),
        }
        let draft = document("draft", conn);
        let answer = transaction(conn, |conn| -> Result<i64, Mine> {
            let count: i64 = documents::table.count().get_result(conn)?;
            draft.save(conn)?;
            Ok(count)
        });
        assert_eq!(answer.unwrap(), 1);
    }
}

on_sqlite! {
    fn a_transaction_that_the_database_rolled_back_is_never_ok(conn) {
        run(ROLL_BACK, conn);
        let draft = document("draft", conn);
        let answer = transaction(conn, |conn| {
            Document { title: "changed".into(), ..draft.clone() }.save(conn)?;
            break_it(conn);
            Ok::<_, Error>(())
        });
        assert!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
        assert_eq!(row(draft.id, conn), Some(draft));
        assert!(is_outside(conn));
        // The connection is as good as before.
        transaction(conn, |conn| Ok::<_, Error>(document("next", conn))).unwrap();
    }

    fn nor_is_one_that_went_on_after_it_was_rolled_back(conn) {
        run(ROLL_BACK, conn);
        let answer = transaction(conn, |conn| {
            break_it(conn);
            // Stands alone now, and stays.
            diesel::insert_into(documents::table)
                .values(documents::title.eq("alone"))
                .execute(conn)?;
            Ok::<_, Error>(())
        });
        assert!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
        assert!(is_outside(conn));
    }

    fn nor_is_a_nested_one(conn) {
        run(ROLL_BACK, conn);
        let draft = document("draft", conn);
        let answer = transaction(conn, |conn| {
            Document { title: "changed".into(), ..draft.clone() }.save(conn)?;
            let nested = transaction(conn, |conn| {
                break_it(conn);
                Ok::<_, Error>(())
            });
            assert!(nested.is_err());
            Ok::<_, Error>(())
        });
        assert!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
        assert_eq!(row(draft.id, conn), Some(draft));
        assert!(is_outside(conn));
    }
}

/// One connection in another one's way.
mod between_connections {
    use super::*;
    use crate::support::sqlite::{CREATE_DOCUMENTS, document, is_outside, row, run};
    use crate::support::{Database, Journal};

    #[test]
    fn who_reads_before_writing_is_not_told_that_the_database_is_locked() {
        let database = Database::file(Journal::Wal);
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let (a, b) = (document("a", one), document("b", one));

        // What Diesel's own transaction makes of it: another row was written in between.
        let deferred = one.transaction(|one| {
            row(a.id, one);
            b.clone().touch(other).unwrap();
            a.clone().touch(one)
        });
        assert!(deferred.unwrap_err().is_retryable());

        transaction(one, |one| {
            row(a.id, one);
            run("PRAGMA busy_timeout = 0", other);
            assert!(b.reload(other).unwrap().touch(other).unwrap_err().is_retryable());
            a.touch(one)
        })
        .unwrap();
    }

    #[test]
    fn a_busy_database_is_unavailable_and_leaves_nothing_open() {
        for journal in [Journal::Wal, Journal::Delete] {
            let database = Database::file(journal);
            let (one, other) = (&mut database.connect(), &mut database.connect_impatient());
            transaction(one, |_| {
                let refused = transaction(other, |_| Ok::<_, Error>(()));
                assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
                assert!(is_outside(other));
                Ok::<_, Error>(())
            })
            .unwrap();
            assert!(is_outside(other));
            transaction(other, |other| Ok::<_, Error>(document("after", other))).unwrap();
        }
    }

    /// `SQLITE_LOCKED`: two connections share one cache, and lock tables in it instead of the file.
    #[test]
    fn a_locked_table_is_unavailable() {
        let url = "file:a_locked_table_is_unavailable?mode=memory&cache=shared";
        let one = &mut SqliteConnection::establish(url).unwrap();
        let other = &mut SqliteConnection::establish(url).unwrap();
        run(CREATE_DOCUMENTS, one);
        transaction(one, |one| {
            let draft = document("draft", one);
            let refused = Document::find(draft.id, other).unwrap_err();
            assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
            assert!(
                refused.to_string().ends_with("database table is locked: documents"),
                "{refused}"
            );
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    #[test]
    fn a_busy_commit_is_unavailable_and_leaves_nothing_open() {
        // In a rollback journal a reader keeps the writer from committing.
        let database = Database::file(Journal::Delete);
        let (reader, writer) = (&mut database.connect(), &mut database.connect_impatient());
        let draft = document("draft", reader);
        reader
            .transaction(|reader| {
                row(draft.id, reader);
                let refused = transaction(writer, |writer| draft.clone().touch(writer));
                assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
                let alone = draft.clone().touch(writer);
                assert!(matches!(alone, Err(Error::Unavailable(_))), "{alone:?}");
                QueryResult::Ok(())
            })
            .unwrap();
        assert_eq!(row(draft.id, writer), Some(draft.clone()));
        draft.touch(writer).unwrap();
    }
}
