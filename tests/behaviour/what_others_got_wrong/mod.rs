//! Mistakes that users of other libraries paid for, one test for each.

mod batches;
mod children;
mod commits;
mod counts;

use std::cell::Cell;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::retry::{Nested, Policy, retry};
use noclobber::version::{Clock, Precision, Version};
use noclobber::{Error, Found, transaction};

use crate::support::{Document, documents, on_every_database};

on_every_database! {
    /// The version was raised in memory before the statement ran, so that a second try matched.
    fn a_write_that_failed_does_not_match_when_it_is_tried_again(conn) {
        let draft = document("draft", conn);
        run(FAIL, conn);
        let first = Document { title: "first".into(), ..draft.clone() };
        assert!(first.clone().save(conn).is_err());
        run(FAIL_NO_MORE, conn);

        // Somebody else is faster, and the second try still says what it had loaded.
        draft.touch(conn).unwrap();
        let conflict = first.save(conn).unwrap_err();
        assert_eq!(conflict.conflict().unwrap().expected(), "1");
    }

    /// A rollback took the row back, and the model kept the raised version.
    fn a_rollback_leaves_the_version_that_was_loaded(conn) {
        let draft = document("draft", conn);
        let rolled_back = transaction(conn, |conn| {
            draft.clone().save(conn)?;
            Err::<(), _>(Error::NotCreated { table: "roll back" })
        });
        assert!(rolled_back.is_err());

        // Somebody else takes the row to version 2: the version that a raised model would claim.
        let theirs = draft.clone().save(conn).unwrap();
        assert!(draft.save(conn).unwrap_err().is_conflict());
        assert_eq!(row(theirs.id, conn), Some(theirs));
    }

    /// A savepoint that was rolled back gave the first version, or the last, but not the one between.
    fn a_rolled_back_savepoint_leaves_the_intermediate_version(conn) {
        let draft = document("draft", conn);
        let last = transaction(conn, |conn| {
            let intermediate = draft.save(conn)?;
            let undone = transaction(conn, |conn| {
                intermediate.clone().save(conn)?.save(conn)?;
                Err::<(), _>(Error::NotCreated { table: "roll back" })
            });
            assert!(undone.is_err());
            intermediate.save(conn)
        });
        let last = last.unwrap();
        assert_eq!(last.version, 3);
        assert_eq!(row(last.id, conn), Some(last));
    }

    /// One and the same error for a record that was changed and for one that is gone.
    fn stale_and_deleted_are_told_apart(conn) {
        let (changed, deleted) = (document("changed", conn), document("deleted", conn));
        changed.clone().touch(conn).unwrap();
        deleted.clone().delete(conn).unwrap();
        let found = |error: Error| error.conflict().unwrap().found().clone();
        assert_eq!(found(changed.save(conn).unwrap_err()), Found::Version("2".into()));
        assert_eq!(found(deleted.save(conn).unwrap_err()), Found::Deleted);
    }

    /// The delete went by the key alone.
    fn a_delete_is_checked(conn) {
        let stale = document("draft", conn);
        let saved = stale.clone().save(conn).unwrap();
        assert!(stale.delete(conn).unwrap_err().is_conflict());
        assert_eq!(row(saved.id, conn), Some(saved));
    }

    /// A write that matched nothing was a success.
    fn no_row_is_no_success(conn) {
        let gone = document("draft", conn);
        gone.clone().delete(conn).unwrap();
        assert!(gone.clone().save(conn).is_err());
        assert!(gone.clone().touch(conn).is_err());
        assert!(gone.clone().delete(conn).is_err());
        assert!(Document::patch(gone.id, 1, documents::title.eq("x"), conn).is_err());
        assert!(Document::increment(gone.id, documents::views, 1, conn).is_err());
        assert!(transaction(conn, |conn| gone.verify(conn)).is_err());
    }

    /// A version of zero passed for "no version, no check".
    fn a_version_of_zero_is_checked_like_any_other(conn) {
        let draft = document("draft", conn);
        let zero = Document { version: 0, ..draft.clone() };
        assert!(zero.clone().save(conn).unwrap_err().is_conflict());
        assert!(zero.delete(conn).unwrap_err().is_conflict());
        run("UPDATE documents SET version = 0", conn);
        assert_eq!(draft.reload(conn).unwrap().save(conn).unwrap().version, 1);
    }

    /// A NULL in the version column passed for the same.
    fn a_null_version_in_the_row_matches_nothing(conn) {
        let draft = document("draft", conn);
        run("DROP TABLE documents", conn);
        run(
            &format!(
                "CREATE TABLE documents (id {NUMBER_KEY}, title VARCHAR(20), body VARCHAR(20),
                                         views BIGINT, version BIGINT)"
            ),
            conn,
        );
        run("INSERT INTO documents (title, body, views) VALUES ('draft', 'as it was', 0)", conn);
        assert!(draft.clone().save(conn).unwrap_err().is_conflict());
        assert!(draft.delete(conn).unwrap_err().is_conflict());
        assert_eq!(documents::table.count().get_result(conn), Ok(1_i64));
    }

    /// A retry inside the caller's transaction ran its work twice in it.
    fn a_retry_never_runs_twice_inside_a_transaction(conn) {
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        let runs = Cell::new(0);
        let policy = Policy::default().on_conflict();
        let outer = transaction(conn, |conn| {
            let mut work = |conn: &mut Conn| {
                runs.set(runs.get() + 1);
                stale.clone().save(conn)
            };
            assert!(matches!(retry(&mut *conn, &policy, &mut work), Err(Error::InTransaction)));
            assert_eq!(runs.get(), 0);
            let nested = policy.clone().nested(Nested::RunOnce);
            assert!(retry(&mut *conn, &nested, &mut work).unwrap_err().is_conflict());
            assert_eq!(runs.get(), 1);
            Ok::<_, Error>(())
        });
        outer.unwrap();
    }

    /// "Row was updated or deleted by another transaction": which one, and at which version?
    fn the_message_names_table_key_and_versions(conn) {
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        let message = stale.save(conn).unwrap_err().to_string();
        for part in ["documents 1 ", "version 1", "version 2"] {
            assert!(message.contains(part), "{part} is not in {message:?}");
        }
    }
}

/// Of SQLite, or of no database at all.
mod beside {
    use super::*;
    use crate::support::sqlite::{document, row};
    use crate::support::{Database, Journal};

    /// Two writes within one second got the same timestamp, and the stale one matched; or the column cut
    /// off digits, and nothing ever matched again.
    #[test]
    fn timestamps_of_low_resolution_still_differ_and_match() {
        // Each with the form in which a column of this precision gives it back.
        let precisions = [
            (Precision::Seconds, "%F %T"),
            (Precision::Milliseconds, "%F %T%.3f"),
            (Precision::Microseconds, "%F %T%.6f"),
        ];
        for (precision, form) in precisions {
            let now = chrono::DateTime::from_timestamp(1_700_000_000, 987_654_321).unwrap();
            let clock = Clock::at(now).with_precision(precision);
            let mut version = NaiveDateTime::initial(&clock);
            for _ in 0..100 {
                let next = version.next(&clock).unwrap();
                assert!(next > version);
                let kept = next.format(form).to_string();
                assert_eq!(NaiveDateTime::parse_from_str(&kept, "%F %T%.f"), Ok(next));
                version = next;
            }
        }
    }

    /// `RETURNING` handed out a row before its statement was committed, and it never was.
    #[test]
    fn a_row_that_was_handed_out_and_not_stored_is_no_success() {
        let database = Database::file(Journal::Delete);
        let (reader, writer) = (&mut database.connect(), &mut database.connect_impatient());
        document("draft", reader);
        let read = reader.transaction(|reader| {
            row(1, reader);
            let created = Document::create(documents::title.eq("new"), writer);
            assert!(created.unwrap_err().is_retryable());
            QueryResult::Ok(())
        });
        read.unwrap();
        assert_eq!(documents::table.count().get_result(writer), Ok(1_i64));
    }
}
