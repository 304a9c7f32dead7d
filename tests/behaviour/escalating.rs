//! `modify` on a hot row: after some conflicts it locks the row and is served in turn.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::retry::{Nested, Policy, Source};
use noclobber::{Error, Found};

use crate::support::{
    Barrier, Document, Witness, documents, on_databases_that_can_veto, on_every_database,
    on_every_shared_database, wait_until,
};

/// After so many conflicts, and with no time wasted between attempts.
fn after(conflicts: u32) -> Policy {
    Policy::default()
        .escalate_after(conflicts)
        .pauses(Duration::from_micros(10), Duration::from_micros(100))
}

/// A connection, and what happens before each attempt.
struct Before<'a, C, F>(&'a mut C, F);

impl<C: Connection, F: FnMut(&mut C)> Source for Before<'_, C, F> {
    type Conn = C;

    fn with<R>(&mut self, work: impl FnOnce(&mut C) -> R) -> Result<R, Error> {
        (self.1)(self.0);
        Ok(work(self.0))
    }
}

/// A source that the second attempt asks only when something has happened.
struct Second<'a, S>(S, u32, &'a AtomicBool);

impl<S: Source> Source for Second<'_, S> {
    type Conn = S::Conn;

    fn with<R>(&mut self, work: impl FnOnce(&mut S::Conn) -> R) -> Result<R, Error> {
        self.1 += 1;
        if self.1 == 2 {
            wait_until("the second attempt may begin", || self.2.load(Ordering::Relaxed));
        }
        self.0.with(work)
    }
}

fn append(document: &mut Document) -> Result<(), Error> {
    document.title.push('!');
    Ok(())
}

on_every_database! {
    fn an_escalated_attempt_is_one_transaction_that_locks_first(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        let modified = Document::try_modify(draft.id, &mut *conn, &after(0), append).unwrap();
        assert_eq!((modified.title.as_str(), modified.version), ("draft!", 2));
        let sent = witness.sent();
        let begin = sent.iter().position(|sql| sql == "BEGIN").unwrap();
        let select = format!("FROM \"documents\" WHERE \"id\" = ?{HOLD_TO_WRITE}");
        let of_documents: Vec<_> =
            sent[begin..].iter().filter(|sql| sql.contains("\"documents\"")).collect();
        assert!(of_documents[0].ends_with(&select), "{sent:?}");
        assert!(of_documents[1].starts_with("UPDATE "), "{sent:?}");
        assert_eq!((of_documents.len(), sent.last().unwrap().as_str()), (2, "COMMIT"));
        assert_eq!(row(draft.id, conn), Some(modified));
    }

    fn without_a_conflict_nothing_is_locked(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        Document::try_modify(draft.id, &mut *conn, &after(1), append).unwrap();
        assert_eq!(witness.sent().len(), 2);
    }

    fn its_errors_are_those_of_any_attempt(conn) {
        let (a, b) = (document("a", conn), document("b", conn));
        let policy = after(0);
        assert!(Document::try_modify(404, &mut *conn, &policy, append).unwrap_err().is_not_found());
        let moved = Document::try_modify(a.id, &mut *conn, &policy, |it| { it.id = b.id; Ok::<_, Error>(()) });
        assert!(matches!(moved, Err(Error::KeyChanged { .. })), "{moved:?}");
        let own = Document::try_modify(a.id, &mut *conn, &policy, |_| {
            Err(Error::NotCreated { table: "mine" })
        });
        assert!(matches!(own, Err(Error::NotCreated { table: "mine" })), "{own:?}");
        let forbidden = Document::try_modify(a.id, &mut *conn, &policy, |it| {
            it.title = "forbidden".into();
            Ok::<_, Error>(())
        });
        assert!(matches!(forbidden, Err(Error::Database(_))), "{forbidden:?}");
        let modified = Document::try_modify(a.id, &mut *conn, &policy, |it| { it.version = 77; Ok::<_, Error>(()) });
        assert_eq!(modified.unwrap().version, 2);
        assert_eq!(row(b.id, conn), Some(b));
        // Nothing is left open.
        assert!(is_outside(conn));
    }

    fn inside_a_test_transaction_it_is_a_savepoint(conn) {
        let draft = document("draft", conn);
        conn.begin_test_transaction().unwrap();
        let refused = Document::try_modify(draft.id, &mut *conn, &after(0), append);
        assert!(matches!(refused, Err(Error::InTransaction)), "{refused:?}");
        let policy = after(0).nested(Nested::RunOnce);
        let modified = Document::try_modify(draft.id, &mut *conn, &policy, append);
        assert_eq!(modified.unwrap().version, 2);
    }
}

on_databases_that_can_veto! {
    fn a_veto_ends_an_escalated_attempt_as_well(conn) {
        let draft = document("draft", conn);
        run(VETO, conn);
        let runs = Cell::new(0);
        let error = Document::try_modify(draft.id, &mut *conn, &after(0), |_| {
            runs.set(runs.get() + 1);
            Ok::<_, Error>(())
        });
        assert_eq!(*error.unwrap_err().conflict().unwrap().found(), Found::Vetoed);
        assert_eq!(runs.get(), 1);
        assert_eq!(row(draft.id, conn), Some(draft));
    }
}

on_every_shared_database! {
    /// Somebody else is faster as often as that is allowed; the attempt after it locks, and is the only one.
    fn the_attempt_after_the_allowed_conflicts_locks(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        for (policy, allowed) in [(after(1), 1), (after(3), 3), (Policy::default(), 6)] {
            let draft = document("draft", conn);
            let runs = Cell::new(0);
            let witness = Witness::of(conn);
            let modified = Document::try_modify(draft.id, &mut *conn, &policy, |it| {
                runs.set(runs.get() + 1);
                if runs.get() <= allowed {
                    Document::find(it.id, other)?.touch(other)?;
                }
                append(it)
            });
            assert_eq!(modified.unwrap().version, allowed + 2);
            assert_eq!(runs.get(), allowed + 1);
            let sent = witness.sent();
            assert_eq!(sent.iter().filter(|sql| *sql == "BEGIN").count(), 1, "{sent:?}");
        }
    }

    fn attempts_and_the_deadline_bound_it_still(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", conn);
        let policy = after(2).attempts(2);
        let answer = Document::try_modify(draft.id, &mut *conn, &policy, |it| {
            Document::find(it.id, other)?.touch(other)?;
            append(it)
        });
        assert_eq!(answer.unwrap_err().conflict().unwrap().attempts(), 2);
        let policy = after(1).attempts(100).deadline(Duration::ZERO);
        let answer = Document::try_modify(draft.id, &mut *conn, &policy, |it| {
            Document::find(it.id, other)?.touch(other)?;
            append(it)
        });
        assert_eq!(answer.unwrap_err().conflict().unwrap().attempts(), 1);
    }

    fn a_record_that_is_deleted_meanwhile_ends_it_as_it_does_without(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        // Before the next attempt would lock, and before the next one would not.
        for conflicts in [1, 9] {
            let draft = document("draft", conn);
            let answer = Document::try_modify(draft.id, &mut *conn, &after(conflicts), |it| {
                Document::find(it.id, other)?.delete(other)?;
                append(it)
            });
            assert_eq!(*answer.unwrap_err().conflict().unwrap().found(), Found::Deleted);

            let draft = document("draft", conn);
            let mut attempts = 0;
            let source = Before(&mut *conn, |conn: &mut Conn| {
                attempts += 1;
                if attempts == 2 {
                    let gone = documents::table.filter(documents::title.ne("kept"));
                    diesel::delete(gone).execute(conn).unwrap();
                }
            });
            let answer = Document::try_modify(draft.id, source, &after(conflicts), |it| {
                Document::find(it.id, other)?.touch(other)?;
                append(it)
            });
            assert!(answer.unwrap_err().is_not_found());
            assert_eq!(attempts, 2);
        }
    }

    fn sixteen_writers_of_one_row_are_served_in_turn_and_nothing_is_lost(database) {
        const WRITERS: usize = 16;
        const CHANGES: usize = 8;
        const CONFLICTS: u32 = 2;
        let pool = database.pool(8);
        let draft = document("", &mut database.connect());
        let start = Barrier::new(WRITERS);
        let most = Mutex::new(0);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (pool, start, most) = (&pool, &start, &most);
                scope.spawn(move || {
                    start.wait();
                    for change in 0..CHANGES {
                        let policy = after(CONFLICTS).attempts(1000).deadline(Duration::from_secs(60));
                        let mut runs = 0;
                        Document::try_modify(draft.id, pool, &policy, |document| {
                            runs += 1;
                            // Time for the others to be faster.
                            thread::sleep(Duration::from_micros(500));
                            let body = document.body.get_or_insert_default();
                            body.push_str(&format!("[{writer}-{change}]"));
                            Ok::<_, Error>(())
                        })
                        .unwrap();
                        let mut most = most.lock().unwrap();
                        *most = runs.max(*most);
                    }
                });
            }
        });
        let most = *most.lock().unwrap();
        // The change runs once more after the conflicts: nobody comes in between.
        assert!(most <= CONFLICTS + 1, "{most} attempts");
        assert_eq!(most, CONFLICTS + 1, "there was no contention");
        let last = row(draft.id, &mut database.connect()).unwrap();
        assert_eq!(last.version, i64::try_from(WRITERS * CHANGES).unwrap() + 1);
        for (writer, change) in (0..WRITERS).flat_map(|writer| (0..CHANGES).map(move |c| (writer, c))) {
            assert_eq!(last.body.as_ref().unwrap().matches(&format!("[{writer}-{change}]")).count(), 1);
        }
    }

    /// The only connection of the pool can be had while the attempt that will lock waits to begin.
    fn the_pool_has_its_connection_back_before_the_row_is_locked(database) {
        let pool = database.pool(1);
        let draft = document("draft", &mut pool.get().unwrap());
        let other = &Mutex::new(database.connect());
        let (runs, saved) = (&Mutex::new(0), &AtomicBool::new(false));
        thread::scope(|scope| {
            let pool = &pool;
            let waiting = scope.spawn(move || {
                Document::try_modify(draft.id, Second(pool, 0, saved), &after(1), |it| {
                    *runs.lock().unwrap() += 1;
                    if *runs.lock().unwrap() == 1 {
                        let other = &mut *other.lock().unwrap();
                        Document::find(it.id, other)?.touch(other)?;
                    }
                    append(it)
                })
            });
            wait_until("the first attempt", || *runs.lock().unwrap() == 1);
            let meanwhile = Document::modify(draft.id, pool, |it| it.body = Some("meanwhile".into()));
            saved.store(true, Ordering::Relaxed);
            assert!(meanwhile.is_ok(), "{meanwhile:?}");
            let last = waiting.join().unwrap().unwrap();
            assert_eq!((last.title.as_str(), last.version), ("draft!", 4));
            assert_eq!(last.body.as_deref(), Some("meanwhile"));
        });
    }
}
