//! Reads that hold their rows until the transaction ends, of one record and of any query.

#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::cell::Cell;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;

use diesel::prelude::*;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::{Error, Found, RowLock, transaction};

use crate::support::{
    Barrier, Document, Witness, documents, on_every_database, on_every_shared_database, wait_until,
};

fn reason(error: &Error) -> Option<Reason> {
    match error {
        Error::Unavailable(unavailable) => Some(unavailable.reason()),
        _ => None,
    }
}

fn titled(document: Document, title: &str) -> Document {
    Document { title: title.into(), ..document }
}

/// A document whose title says that it is a job nobody has done.
const OPEN: &str = "open";

/// The first job that nobody has, marked as done by this worker.
macro_rules! do_next_job {
    ($worker:expr, $conn:expr) => {
        transaction($conn, |conn| {
            let open =
                Document::query().filter(documents::title.eq(OPEN)).order(documents::id).limit(1);
            let jobs = open.lock_rows(RowLock::for_update().skip_locked());
            match jobs.load::<Document, _>(conn)?.pop() {
                Some(job) => titled(job, &format!("done by {}", $worker)).save(conn).map(Some),
                None => Ok(None),
            }
        })
    };
}

on_every_database! {
    fn each_lock_is_a_clause_behind_the_select(conn) {
        let draft = document("draft", conn);
        let id = draft.id;
        transaction(conn, |conn| {
            let witness = Witness::of(conn);
            let all = [
                Document::find_for_update(id).load(conn)?,
                Document::find_for_update(id).no_wait().load(conn)?,
                Document::find_for_update(id).skip_locked().load(conn)?.unwrap(),
                Document::find_for_share(id).load(conn)?,
                Document::find_for_share(id).no_wait().load(conn)?,
                Document::find_for_share(id).skip_locked().load(conn)?.unwrap(),
                Document::find_for_update_at(id, 1).load(conn)?,
                Document::find_for_update_at(id, 1).no_wait().load(conn)?,
            ];
            let select = "SELECT \"documents\".\"id\", \"documents\".\"title\", \"documents\".\"body\", \
                 \"documents\".\"views\", \"documents\".\"version\" FROM \"documents\" WHERE \"id\" = ?";
            let clauses = [
                HOLD_TO_WRITE, AT_ONCE, SKIPPING, HOLD, SHARE_AT_ONCE, SHARE_SKIPPING, HOLD_TO_WRITE, AT_ONCE,
            ];
            assert_eq!(witness.sent(), clauses.map(|clause| format!("{select}{clause}")));
            assert!(all.iter().all(|loaded| *loaded == draft));
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    fn a_query_of_any_kind_is_locked_by_a_clause_behind_it(conn) {
        let (a, b) = (document("a", conn), document("b", conn));
        transaction(conn, |conn| {
            let witness = Witness::of(conn);
            let wanted = String::from("b");
            // One with a value that is borrowed, and of a type that only the backend is known of.
            let boxed = Document::query().filter(documents::title.eq(&wanted)).into_boxed();
            let found: Vec<Document> = boxed.lock_rows(RowLock::for_update()).load(conn)?;
            assert_eq!(found, std::slice::from_ref(&b));
            let ids = documents::table.select(documents::id).order(documents::id.desc()).limit(2);
            let ids = ids.lock_rows(RowLock::for_share().skip_locked()).load::<i64, _>(conn)?;
            assert_eq!(ids, [b.id, a.id]);
            let all = documents::table.lock_rows(RowLock::for_update().no_wait());
            assert_eq!(all.load::<Document, _>(conn)?.len(), 2);
            let sent = witness.sent();
            let clauses = [HOLD_TO_WRITE, SHARE_SKIPPING, AT_ONCE];
            assert_eq!(sent.len(), 3);
            for (sql, clause) in sent.iter().zip(clauses) {
                assert!(sql.ends_with(clause), "{sql}");
                assert_eq!(sql.matches(" FOR ").count(), clause.matches(" FOR ").count(), "{sql}");
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    fn outside_a_transaction_they_would_hold_nothing(conn) {
        let id = document("draft", conn).id;
        let witness = Witness::of(conn);
        for answer in [
            Document::find_for_update(id).load(conn).map(drop),
            Document::find_for_share(id).no_wait().load(conn).map(drop),
            Document::find_for_update(id).skip_locked().load(conn).map(drop),
            Document::find_for_update_at(id, 1).load(conn).map(drop),
            documents::table.lock_rows(RowLock::for_update()).load::<Document, _>(conn).map(drop),
        ] {
            assert!(matches!(answer, Err(Error::NotInTransaction)), "{answer:?}");
        }
        assert!(witness.sent().is_empty());
    }

    fn a_record_that_is_not_there_is_told_as_such(conn) {
        let gone = document("gone", conn);
        gone.clone().delete(conn).unwrap();
        transaction(conn, |conn| {
            let missing = Document::find_for_update(gone.id).load(conn).unwrap_err();
            assert!(missing.is_not_found(), "{missing:?}");
            assert_eq!(Document::find_for_share(gone.id).skip_locked().load(conn)?, None);
            let late = Document::find_for_update_at(gone.id, 1).load(conn).unwrap_err();
            assert_eq!(*late.conflict().unwrap().found(), Found::Deleted);
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    fn a_record_at_another_version_is_a_conflict_and_the_transaction_goes_on(conn) {
        let saved = document("draft", conn).touch(conn).unwrap();
        let saved = transaction(conn, |conn| {
            for late in [
                Document::find_for_update_at(saved.id, 1).load(conn),
                Document::find_for_update_at(saved.id, 1).no_wait().load(conn),
            ] {
                let error = late.unwrap_err();
                let conflict = error.conflict().unwrap();
                assert_eq!((conflict.expected(), conflict.found()), ("1", &Found::Version("2".into())));
            }
            Document::find_for_update_at(saved.id, 2).load(conn)?.save(conn)
        });
        assert_eq!(saved.unwrap().version, 3);
    }
}

on_every_shared_database! {
    /// Whoever comes second loads what the first one wrote after the second one had begun.
    fn a_record_that_is_held_for_a_write_is_had_by_one_after_the_other(database) {
        let (conn, watcher) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", conn);
        thread::scope(|scope| {
            let (tell, told) = channel();
            let (done, is_done) = channel();
            let id = draft.id;
            let second = move || {
                let conn = &mut database.connect();
                tell.send(session(conn)).unwrap();
                let saved = transaction(conn, |conn| {
                    titled(Document::find_for_update(id).load(conn)?, "second").save(conn)
                });
                done.send(()).unwrap();
                saved
            };
            let mut waiting = None;
            let first = transaction(conn, |conn| {
                let held = Document::find_for_update(draft.id).load(conn)?;
                waiting = Some(scope.spawn(second));
                let session = told.recv().unwrap();
                wait_until("the second one waits", || is_waiting(session, watcher));
                assert!(is_done.try_recv().is_err());
                titled(held, "first").save(conn)
            });
            assert_eq!(first.unwrap().version, 2);
            let second = waiting.unwrap().join().unwrap().unwrap();
            assert_eq!((second.title.as_str(), second.version), ("second", 3));
        });
    }

    /// A save that takes no lock waits all the same, and is told then.
    fn a_save_waits_for_who_holds_the_record_and_is_stale_then(database) {
        let (conn, watcher) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", conn);
        thread::scope(|scope| {
            let (tell, told) = channel();
            let stale = draft.clone();
            let save = move || {
                let conn = &mut database.connect();
                tell.send(session(conn)).unwrap();
                titled(stale, "late").save(conn)
            };
            let mut waiting = None;
            transaction(conn, |conn| {
                let held = Document::find_for_update_at(draft.id, 1).load(conn)?;
                waiting = Some(scope.spawn(save));
                let session = told.recv().unwrap();
                wait_until("the save waits", || is_waiting(session, watcher));
                titled(held, "first").save(conn)
            })
            .unwrap();
            let late = waiting.unwrap().join().unwrap().unwrap_err();
            assert_eq!(*late.conflict().unwrap().found(), Found::Version("2".into()));
        });
    }

    fn of_many_workers_each_job_is_done_by_exactly_one(database) {
        const WORKERS: usize = 6;
        const JOBS: usize = 30;
        let conn = &mut database.connect();
        let jobs: Vec<_> = (0..JOBS).map(|_| document(OPEN, conn)).collect();
        let start = Barrier::new(WORKERS);
        let work = |worker: usize| {
            let conn = &mut database.connect();
            let mut done = Vec::new();
            start.wait();
            while let Some(job) = do_next_job!(worker, conn).unwrap() {
                done.push(job);
            }
            done
        };
        let done: Vec<Document> = thread::scope(|scope| {
            let work = &work;
            let workers = (0..WORKERS).map(|worker| scope.spawn(move || work(worker)));
            let workers: Vec<_> = workers.collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        assert_eq!(done.len(), JOBS);
        for job in jobs {
            let by: Vec<_> = done.iter().filter(|done| done.id == job.id).collect();
            // Saved once: one version further.
            assert_eq!((by.len(), by[0].version), (1, 2));
            assert_eq!(row(job.id, conn).as_ref(), Some(by[0]));
        }
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
crate::support::on_shared_servers! {
    fn who_does_not_wait_is_told_at_once(database) {
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", one);
        transaction(one, |one| {
            let held = Document::find_for_update(draft.id).load(one)?;
            let asked = [
                transaction(other, |other| Document::find_for_update(draft.id).no_wait().load(other)),
                transaction(other, |other| Document::find_for_share(draft.id).no_wait().load(other)),
                transaction(other, |other| Document::find_for_update_at(draft.id, 1).no_wait().load(other)),
                transaction(other, |other| {
                    let all = documents::table.lock_rows(RowLock::for_update().no_wait());
                    Ok(all.load::<Document, _>(other)?.remove(0))
                }),
            ];
            for error in asked.map(Result::unwrap_err) {
                assert_eq!(reason(&error), Some(Reason::LockTimeout), "{error}");
            }
            // Nobody who only reads is held up.
            assert_eq!(draft.reload(other)?, held);
            Ok::<_, Error>(())
        })
        .unwrap();
        // The lock went with the transaction.
        transaction(other, |other| Document::find_for_update(draft.id).no_wait().load(other)).unwrap();
    }

    fn who_skips_is_answered_without_the_record(database) {
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", one);
        transaction(one, |one| {
            Document::find_for_update(draft.id).load(one)?;
            transaction(other, |other| {
                assert_eq!(Document::find_for_update(draft.id).skip_locked().load(other)?, None);
                assert_eq!(Document::find_for_share(draft.id).skip_locked().load(other)?, None);
                Ok::<_, Error>(())
            })
        })
        .unwrap();
    }

    fn who_shares_a_record_lets_others_share_it_and_nobody_write_it(database) {
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", one);
        run(SHORT_LOCK_WAIT, other);
        transaction(one, |one| {
            Document::find_for_share(draft.id).load(one)?;
            let shared = transaction(other, |other| {
                Document::find_for_share(draft.id).load(other)?;
                Document::find_for_share(draft.id).no_wait().load(other)?;
                Document::find_for_share(draft.id).skip_locked().load(other)
            });
            assert_eq!(shared?, Some(draft.clone()));
            let refused = transaction(other, |other| Document::find_for_update(draft.id).no_wait().load(other));
            assert_eq!(reason(&refused.unwrap_err()), Some(Reason::LockTimeout));
            let refused = titled(draft.clone(), "never").save(other);
            assert_eq!(reason(&refused.unwrap_err()), Some(Reason::LockTimeout));
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(row(draft.id, one), Some(draft));
    }

    fn two_workers_have_different_jobs_at_the_same_time(database) {
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let (a, b) = (document(OPEN, one), document(OPEN, one));
        let next = || {
            let open = Document::query().filter(documents::title.eq(OPEN)).order(documents::id).limit(1);
            open.lock_rows(RowLock::for_update().skip_locked())
        };
        transaction(one, |one| {
            assert_eq!(next().load::<Document, _>(one)?, [a]);
            let others: Vec<Document> = transaction(other, |other| next().load(other))?;
            assert_eq!(others, [b]);
            Ok::<_, Error>(())
        })
        .unwrap();
    }
}

/// `FOR UPDATE` would hold up everybody who adds a row that refers to this one.
#[cfg(feature = "postgres")]
#[test]
fn rows_may_refer_to_a_record_that_is_held_for_a_write() {
    use crate::support::postgres::{SHORT_LOCK_WAIT, Server, document, run};

    let server = Server::new();
    let (one, other) = (&mut server.connect(), &mut server.connect());
    let draft = document("draft", one);
    run("CREATE TABLE remarks (document BIGINT REFERENCES documents)", one);
    run(SHORT_LOCK_WAIT, other);
    transaction(one, |one| {
        Document::find_for_update(draft.id).load(one)?;
        run(&format!("INSERT INTO remarks VALUES ({})", draft.id), other);
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// On SQLite it is the transaction that holds the row, and who would have it as well does not get one.
#[test]
fn nobody_else_is_a_writer_while_a_record_of_sqlite_is_held() {
    use crate::support::sqlite::document;
    use crate::support::{Database, Journal};

    for journal in [Journal::Wal, Journal::Delete] {
        let database = Database::file(journal);
        let (one, other) = (&mut database.connect(), &mut database.connect_impatient());
        let draft = document("draft", one);
        transaction(one, |one| {
            Document::find_for_share(draft.id).load(one)?;
            for lock in [RowLock::for_share(), RowLock::for_update().skip_locked()] {
                let refused = transaction(other, |other| {
                    documents::table.lock_rows(lock).load::<Document, _>(other)
                });
                assert_eq!(reason(&refused.unwrap_err()), Some(Reason::Busy));
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
crate::support::on_shared_servers! {
    /// MariaDB's client library takes a query that failed where its rows would begin for one that goes on, and
    /// would wait for those rows when it is sent again.
    fn who_was_refused_can_ask_again_through_the_same_connection(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", conn);
        let by_key = |conn: &mut Conn| Document::find_for_update(draft.id).no_wait().load(conn).map(drop);
        let by_query = |conn: &mut Conn| {
            let drafts = Document::query().filter(documents::title.eq("draft"));
            drafts.lock_rows(RowLock::for_update().no_wait()).load::<Document, _>(conn).map(drop)
        };
        let by_diesel = |conn: &mut Conn| {
            documents::table.for_update().no_wait().load::<Document>(conn)?;
            Ok(())
        };
        let ways: [&dyn Fn(&mut Conn) -> _; 3] = [&by_key, &by_query, &by_diesel];
        transaction(other, |other| {
            let held = draft.clone().touch(other)?;
            for ask in ways {
                for _ in 0..3 {
                    let refused = transaction(conn, ask).unwrap_err();
                    assert_eq!(reason(&refused), Some(Reason::LockTimeout));
                    let nested = transaction(conn, |conn| transaction(conn, ask)).unwrap_err();
                    assert_eq!(reason(&nested), Some(Reason::LockTimeout));
                }
            }
            Ok::<_, Error>(held)
        })
        .unwrap();
        for ask in ways {
            transaction(conn, ask).unwrap();
        }
    }

    /// Where the transaction outlives it.
    fn who_was_refused_can_ask_again_in_the_same_transaction(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", conn);
        transaction(other, |other| {
            let held = draft.clone().touch(other)?;
            let asked = transaction(conn, |conn| {
                for _ in 0..3 {
                    let drafts = Document::query().filter(documents::title.eq("draft"));
                    let lock = RowLock::for_update().no_wait();
                    let refused = drafts.lock_rows(lock).load::<Document, _>(conn).unwrap_err();
                    if !IGNORES_LOCK_TIMEOUTS {
                        return Err(refused);
                    }
                    assert_eq!(reason(&refused), Some(Reason::LockTimeout));
                }
                Ok(())
            });
            assert_eq!(asked.is_ok(), IGNORES_LOCK_TIMEOUTS);
            Ok::<_, Error>(held)
        })
        .unwrap();
    }

    fn who_was_refused_can_ask_again_after_a_panic_and_after_a_commit_that_failed(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        let draft = document("draft", conn);
        let found = Cell::new(None);
        let ask = |conn: &mut Conn| {
            let refused = documents::table.for_update().no_wait().load::<Document>(conn);
            found.set(reason(&refused.unwrap_err().into()));
        };
        transaction(other, |other| {
            let held = draft.clone().touch(other)?;
            for _ in 0..2 {
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    transaction(conn, |conn| -> noclobber::Result<()> {
                        ask(conn);
                        panic!("on purpose");
                    })
                }));
                assert!(panicked.is_err());
                assert_eq!(found.take(), Some(Reason::LockTimeout));
            }
            for _ in 0..2 {
                let ended = transaction(conn, |conn| {
                    ask(conn);
                    run("ROLLBACK", conn);
                    Ok::<_, Error>(())
                });
                assert!(matches!(ended, Err(Error::RolledBack(_))), "{ended:?}");
                assert_eq!(found.take(), Some(Reason::LockTimeout));
            }
            Ok::<_, Error>(held)
        })
        .unwrap();
    }
}
