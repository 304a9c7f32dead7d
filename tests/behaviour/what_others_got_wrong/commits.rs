//! An operation that was a success, in a transaction that was none.

use std::cell::Cell;

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};
use noclobber::{Error, transaction};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::support::on_servers;
use crate::support::{Document, on_databases_that_check_at_commit};

fn is_foreign_key_violation(error: &Error) -> bool {
    let kind = DatabaseErrorKind::ForeignKeyViolation;
    matches!(error, Error::Database(DieselError::DatabaseError(found, _)) if *found == kind)
}

on_databases_that_check_at_commit! {
    fn a_save_is_no_success_when_its_commit_fails(conn) {
        run(
            "CREATE TABLE remarks (document_id BIGINT NOT NULL REFERENCES documents (id)
                                       DEFERRABLE INITIALLY DEFERRED)",
            conn,
        );
        let draft = document("draft", conn);
        let change = Document { title: "never".into(), ..draft.clone() };
        let runs = Cell::new(0);
        let work = |conn: &mut Conn| {
            runs.set(runs.get() + 1);
            let saved = change.clone().save(conn)?;
            assert_eq!(saved.version, 2);
            // Nobody minds before the COMMIT.
            conn.batch_execute("INSERT INTO remarks VALUES (99)")?;
            Ok::<_, Error>(saved)
        };

        let error = transaction(conn, work).unwrap_err();
        assert!(is_foreign_key_violation(&error), "{error:?}");
        assert!(is_outside(conn));
        assert_eq!(row(draft.id, conn).as_ref(), Some(&draft));

        // A violation does not pass when it is tried again.
        let error = retry(&mut *conn, &Policy::default(), work).unwrap_err();
        assert!(is_foreign_key_violation(&error), "{error:?}");
        assert_eq!(runs.get(), 2);
        assert!(is_outside(conn));

        // The connection is as good as before, and so is the copy.
        let saved = transaction(conn, |conn| draft.save(conn)).unwrap();
        assert_eq!(row(saved.id, conn), Some(saved));
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
on_servers! {
    /// A statement after the save meets somebody who was faster, and the database ends the transaction.
    fn a_save_is_no_success_when_a_later_statement_fails(conn) {
        run(CREATE_REMARKS, conn);
        let draft = document("draft", conn);
        let change = Document { title: "saved".into(), ..draft.clone() };
        let runs = Cell::new(0);
        let work = |conn: &mut Conn| {
            runs.set(runs.get() + 1);
            let saved = change.clone().save(conn)?;
            conn.batch_execute("INSERT INTO remarks VALUES (1)")?;
            Ok::<_, Error>(saved)
        };

        let error = transaction(conn, work).unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert!(is_outside(conn));
        assert_eq!(row(draft.id, conn).as_ref(), Some(&draft));

        // The second run is refused as well, and the third one is not.
        let saved = retry(&mut *conn, &Policy::default(), work).unwrap();
        assert_eq!(runs.get(), 3);
        assert_eq!(saved, Document { version: 2, ..change });
        assert_eq!(row(saved.id, conn), Some(saved));
    }
}

#[cfg(feature = "postgres")]
mod of_postgres {
    use noclobber::error::Reason;

    use super::*;
    use crate::support::on_postgres;

    /// A trigger that fails the first two commits that have updated a document, by the means of
    /// `raise`.
    fn fail_two_commits(raise: &str) -> String {
        format!(
            "CREATE SEQUENCE commits;
             CREATE FUNCTION fail_commit() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN IF nextval('commits') < 3 THEN {raise}; END IF; RETURN NULL; END
             $$;
             CREATE CONSTRAINT TRIGGER fail_commit AFTER UPDATE ON documents
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_commit()"
        )
    }

    /// The messages are the server's own for these codes.
    const PASSING: [(&str, Reason); 2] = [
        (
            "RAISE 'could not serialize access' USING ERRCODE = 'serialization_failure'",
            Reason::Serialization,
        ),
        ("RAISE 'deadlock detected' USING ERRCODE = 'deadlock_detected'", Reason::Deadlock),
    ];

    const VIOLATION: &str = "RAISE 'no' USING ERRCODE = 'check_violation'";

    fn is_violation(error: &Error) -> bool {
        let kind = DatabaseErrorKind::CheckViolation;
        matches!(error, Error::Database(DieselError::DatabaseError(found, _)) if *found == kind)
    }

    on_postgres! {
        fn a_commit_that_may_succeed_later_is_unavailable(conn) {
            for (raise, reason) in PASSING {
                let draft = document("draft", conn);
                run(&fail_two_commits(raise), conn);
                let runs = Cell::new(0);
                let work = |conn: &mut Conn| {
                    runs.set(runs.get() + 1);
                    draft.clone().save(conn)
                };

                let error = transaction(conn, work).unwrap_err();
                let Error::Unavailable(unavailable) = &error else { panic!("{error:?}") };
                assert_eq!(unavailable.reason(), reason);
                assert_eq!(row(draft.id, conn).as_ref(), Some(&draft));
                // In this order: the question is an error to PostgreSQL.
                assert!(is_outside(conn));

                // The second commit fails as well, and the third one does not.
                let saved = retry(&mut *conn, &Policy::default(), work).unwrap();
                assert_eq!((runs.get(), saved.version), (3, 2));
                assert_eq!(row(saved.id, conn), Some(saved));
                run("DROP FUNCTION fail_commit CASCADE; DROP SEQUENCE commits", conn);
            }
        }

        fn a_commit_that_never_succeeds_is_tried_once(conn) {
            let draft = document("draft", conn);
            run(&fail_two_commits(VIOLATION), conn);
            let runs = Cell::new(0);
            let answer = retry(&mut *conn, &Policy::default(), |conn| {
                runs.set(runs.get() + 1);
                draft.clone().save(conn)
            });
            let error = answer.unwrap_err();
            assert!(is_violation(&error), "{error:?}");
            assert_eq!(runs.get(), 1);
            assert!(is_outside(conn));
            assert_eq!(row(draft.id, conn), Some(draft));
        }

        /// The statement of a lone save commits by itself, and that is where it fails.
        fn a_lone_save_is_told_of_its_own_commit(conn) {
            let (first, second) = (document("first", conn), document("second", conn));
            run(&fail_two_commits(PASSING[0].0), conn);
            let error = first.clone().save(conn).unwrap_err();
            assert!(error.is_retryable(), "{error:?}");
            assert_eq!(row(first.id, conn).as_ref(), Some(&first));
            run("DROP FUNCTION fail_commit CASCADE; DROP SEQUENCE commits", conn);

            run(&fail_two_commits(VIOLATION), conn);
            let error = second.clone().save(conn).unwrap_err();
            assert!(is_violation(&error), "{error:?}");
            assert_eq!(row(second.id, conn), Some(second));
        }
    }
}

#[cfg(feature = "mysql")]
mod of_mysql {
    use diesel::prelude::*;
    use diesel::sql_types::BigInt;

    use super::*;
    use crate::support::on_mysql;

    on_mysql! {
        /// COMMIT does not fail on one server by itself. It does in a distributed transaction that
        /// was put in the place of ours, with a savepoint that looks like ours.
        fn a_save_is_no_success_when_its_commit_fails(conn) {
            let draft = document("draft", conn);
            let id = diesel::select(diesel::dsl::sql::<BigInt>("CONNECTION_ID()"));
            let name = format!("noclobber {}", id.get_result::<i64>(conn).unwrap());
            let answer = transaction(conn, |conn| {
                run(&format!("ROLLBACK; XA START '{name}'; {AFTER_BEGIN}"), conn);
                draft.clone().save(conn)
            });
            assert!(matches!(answer, Err(Error::Database(_))), "{answer:?}");
            let end = format!("XA END '{name}'; XA ROLLBACK '{name}'");
            run(&end, conn);
            assert_eq!(row(draft.id, conn), Some(draft));
        }
    }
}
