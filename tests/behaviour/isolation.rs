//! The isolation levels of the servers: what a stale write is answered at each of them.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};
use noclobber::{Error, Found, transaction, verify_all};

use crate::aggregates::{Order, OrderLine, REFERENCES, create_orders};
use crate::support::server::Isolation;
use crate::support::{Barrier, Document, documents};
use crate::triggers::Kept;

/// The tests of one body on both servers, at every level; `at` names it.
macro_rules! at_every_level {
    ($($(#[$documentation:meta])* fn $name:ident($at:ident, $one:ident, $other:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            at_every_level!(@ "postgres" postgres $at $one $other $body);
            at_every_level!(@ "mysql" mysql $at $one $other $body);
        }
    )*};
    (@ $feature:literal $server:ident $at:ident $one:ident $other:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $server {
            use super::super::*;
            use crate::support::$server::*;

            #[test]
            fn server() {
                fn body($at: &Isolation, $one: &mut Conn, $other: &mut Conn) $body

                for at in isolations(&mut Server::new().connect()) {
                    let server = Server::new();
                    let (one, other) = (&mut server.connect(), &mut server.connect());
                    run(&at.set, one);
                    run(&at.set, other);
                    body(&at, one, other);
                }
            }
        }
    };
}

fn reason(error: &Error) -> Option<Reason> {
    match error {
        Error::Unavailable(unavailable) => Some(unavailable.reason()),
        _ => None,
    }
}

/// How many doctors are on call.
macro_rules! on_call {
    ($conn:expr) => {
        documents::table
            .filter(documents::title.eq("on call"))
            .count()
            .get_result::<i64>($conn)
            .unwrap()
    };
}

fn off_call(doctor: &Document) -> Document {
    Document { title: "off".into(), ..doctor.clone() }
}

at_every_level! {
    fn a_stale_save_alone_is_a_conflict(_at, one, other) {
        let stale = document("draft", one);
        stale.clone().touch(other).unwrap();
        let error = stale.save(one).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
    }

    /// The winner is still inside its transaction when the loser's statement begins.
    fn a_save_alone_that_waited_for_another_one_is_a_conflict(_at, one, other) {
        let stale = document("draft", one);
        let theirs = stale.clone();
        thread::scope(|scope| {
            let (written, begin) = channel();
            let winner = scope.spawn(move || {
                transaction(other, |other| {
                    let saved = theirs.save(other)?;
                    written.send(()).unwrap();
                    // The loser waits for this row by now.
                    thread::sleep(Duration::from_millis(150));
                    Ok::<_, Error>(saved)
                })
            });
            begin.recv().unwrap();
            let error = stale.save(one).unwrap_err();
            assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
            assert_eq!(winner.join().unwrap().unwrap().version, 2);
        });
    }

    /// The same where the write and the reading of its version are a transaction of its own.
    fn a_save_whose_version_a_trigger_moves_on_is_a_conflict_too(_at, one, other) {
        run(MOVE_VERSION, one);
        let stale = Kept::create(documents::title.eq("draft"), one).unwrap();
        let theirs = stale.clone();
        thread::scope(|scope| {
            let (written, begin) = channel();
            let winner = scope.spawn(move || {
                transaction(other, |other| {
                    let saved = theirs.save(other)?;
                    written.send(()).unwrap();
                    thread::sleep(Duration::from_millis(150));
                    Ok::<_, Error>(saved)
                })
            });
            begin.recv().unwrap();
            let error = stale.save(one).unwrap_err();
            assert_eq!(*error.conflict().unwrap().found(), Found::Version("11".into()));
            assert_eq!(winner.join().unwrap().unwrap().version, 11);
        });
    }

    /// The same where the write of a root and its children is a transaction of its own.
    fn a_change_of_an_aggregate_alone_is_a_conflict_about_its_root(_at, one, other) {
        run(&create_orders(NUMBER_KEY, REFERENCES), one);
        let (stale, theirs) = (Order::find(1, one).unwrap(), Order::find(1, one).unwrap());
        let line = OrderLine::find(1, one).unwrap();
        let (written, begin) = channel();
        thread::scope(|scope| {
            let winner = scope.spawn(move || {
                theirs.save_with(other, |_| {
                    written.send(()).unwrap();
                    thread::sleep(Duration::from_millis(150));
                    Ok::<_, Error>(())
                })
            });
            begin.recv().unwrap();
            let error = stale.save_with(one, |order| order.save_child(line)).unwrap_err();
            let conflict = error.conflict().unwrap();
            assert_eq!(conflict.record().to_string(), "orders 1");
            assert_eq!(*conflict.found(), Found::Version("2".into()));
            assert_eq!(winner.join().unwrap().unwrap().0.version, 2);
        });
    }

    /// Which waits for the root, and is told of the child.
    fn a_stale_child_that_is_saved_alone_is_a_conflict(_at, one, other) {
        run(&create_orders(NUMBER_KEY, REFERENCES), one);
        let (stale, theirs) = (OrderLine::find(1, one).unwrap(), OrderLine::find(1, one).unwrap());
        let (written, begin) = channel();
        thread::scope(|scope| {
            let winner = scope.spawn(move || {
                transaction(other, |other| {
                    let saved = theirs.save(other)?;
                    written.send(()).unwrap();
                    thread::sleep(Duration::from_millis(150));
                    Ok::<_, Error>(saved)
                })
            });
            begin.recv().unwrap();
            let error = stale.save(one).unwrap_err();
            let conflict = error.conflict().unwrap();
            assert_eq!(conflict.record().to_string(), "order_lines 1");
            assert_eq!(*conflict.found(), Found::Version("2".into()));
            assert_eq!(winner.join().unwrap().unwrap().version, 2);
        });
        assert_eq!(Order::find(1, one).unwrap().version, 2);
    }

    /// What its keeper does to a lease meanwhile is a change of a row that the write has to hold.
    fn a_renewal_is_a_change_to_a_guarded_write_whose_transaction_is_older(at, one, other) {
        noclobber::migrations::run(one).unwrap();
        let draft = document("draft", one);
        let mut lease = draft.lock().owner("ann").acquire(one).unwrap();
        let answer = transaction(one, |one| {
            row(draft.id, one);
            lease.renew(other)?;
            draft.clone().save_locked(&lease, one)
        });
        match answer {
            Ok(saved) => assert!(!at.snapshot_ends_transaction && saved.version == 2, "{at:?}"),
            // Also with MariaDB's setting at SERIALIZABLE, where what is read is held, and the lease was
            // not.
            Err(error) => {
                assert_ne!(at.level, "READ COMMITTED");
                assert_eq!(reason(&error), Some(Reason::Serialization), "{at:?}");
                assert_eq!(row(draft.id, one), Some(draft));
            }
        }
        lease.release(one).unwrap();
    }

    /// A lock is on the row as it is now: who has seen an older one is told so, or is shown the present.
    fn a_record_that_was_written_since_is_locked_as_it_is_now_or_not_at_all(at, one, other) {
        let draft = document("draft", one);
        run(SHORT_LOCK_WAIT, other);
        let mut theirs = None;
        let answer = transaction(one, |one| {
            row(draft.id, one);
            theirs = Some(draft.clone().touch(other));
            Document::find_for_update(draft.id).load(one)
        });
        match (theirs.unwrap(), answer) {
            (Ok(theirs), Ok(locked)) => {
                assert!(!at.snapshot_ends_transaction, "{at:?}");
                assert_eq!(locked, theirs);
            }
            (Ok(_), Err(error)) => {
                assert!(at.snapshot_ends_transaction, "{at:?}: {error}");
                assert_eq!(reason(&error), Some(Reason::Serialization), "{at:?}: {error}");
            }
            // At MySQL's SERIALIZABLE a read locks, and it was the other one that had to wait.
            (Err(error), locked) => {
                assert_eq!(at.level, "SERIALIZABLE");
                assert_eq!(reason(&error), Some(Reason::LockTimeout), "{error}");
                assert_eq!(locked.unwrap(), draft);
            }
        }
    }

    /// What somebody else has created since this transaction first read is there, and nobody's to create.
    fn a_record_that_was_created_since_is_not_created_again(at, one, other) {
        run(SHORT_LOCK_WAIT, other);
        let new = |title: &str| Document {
            id: 70, title: title.into(), body: None, views: 0, version: 0,
        };
        let mut theirs = None;
        let answer = transaction(one, |one| {
            row(70, one);
            theirs = Some(new("theirs").upsert(None, other));
            new("mine").upsert(None, one)
        });
        match theirs.unwrap() {
            Ok(theirs) => {
                let error = answer.unwrap_err();
                match error.conflict() {
                    Some(conflict) => assert_eq!(*conflict.found(), Found::Version("1".into())),
                    None => {
                        assert!(at.snapshot_ends_transaction, "{at:?}: {error}");
                        assert_eq!(reason(&error), Some(Reason::Serialization), "{at:?}: {error}");
                    }
                }
                assert_eq!(row(70, one), Some(theirs));
            }
            // At MySQL's SERIALIZABLE to look for a record keeps others from creating it.
            Err(error) => {
                assert_eq!(at.level, "SERIALIZABLE");
                assert_eq!(reason(&error), Some(Reason::LockTimeout), "{error}");
                assert_eq!(answer.unwrap().title, "mine");
            }
        }
    }

    /// A creation that was alone is told who was faster, also when it waited for them.
    fn a_creation_alone_that_waited_for_another_one_is_a_conflict(_at, one, other) {
        let new = |title: &str| Document {
            id: 70, title: title.into(), body: None, views: 0, version: 0,
        };
        thread::scope(|scope| {
            let (written, begin) = channel();
            let winner = scope.spawn(move || {
                transaction(other, |other| {
                    let created = new("theirs").upsert(None, other)?;
                    written.send(()).unwrap();
                    // The loser waits for this row by now.
                    thread::sleep(Duration::from_millis(150));
                    Ok::<_, Error>(created)
                })
            });
            begin.recv().unwrap();
            let error = new("mine").upsert(None, one).unwrap_err();
            assert_eq!(*error.conflict().unwrap_or_else(|| panic!("{error:?}")).found(), Found::Version("1".into()));
            assert_eq!(winner.join().unwrap().unwrap().version, 1);
        });
    }

    /// At whatever level, whoever has waited for the row is served and not refused.
    fn an_escalated_modification_sees_what_it_has_waited_for(_at, one, other) {
        let draft = document("draft", one);
        let policy = Policy::default().escalate_after(0).attempts(1);
        thread::scope(|scope| {
            let (written, begin) = channel();
            let theirs = draft.clone();
            let first = scope.spawn(move || {
                transaction(other, |other| {
                    let saved = off_call(&theirs).save(other)?;
                    written.send(()).unwrap();
                    // The second one waits for this row by now.
                    thread::sleep(Duration::from_millis(150));
                    Ok::<_, Error>(saved)
                })
            });
            begin.recv().unwrap();
            let modified = Document::try_modify(draft.id, &mut *one, &policy, |it| {
                it.title.push('!');
                Ok::<_, Error>(())
            });
            first.join().unwrap().unwrap();
            let modified = modified.unwrap();
            assert_eq!((modified.title.as_str(), modified.version), ("off!", 3));
        });
    }

    /// A transaction that has read before somebody else wrote: told as far as it survives.
    fn a_stale_save_inside_a_transaction_is_never_a_success(at, one, other) {
        let stale = document("draft", one);
        run(SHORT_LOCK_WAIT, other);
        let mut theirs = None;
        let answer = transaction(one, |one| {
            row(stale.id, one);
            theirs = Some(stale.clone().touch(other));
            stale.clone().save(one)
        });
        match theirs.unwrap() {
            Ok(saved) => {
                let error = answer.unwrap_err();
                let conflict = error.conflict().map(|conflict| conflict.found().clone());
                if at.snapshot_ends_transaction {
                    assert_eq!(reason(&error), Some(Reason::Serialization), "{at:?}: {error}");
                } else {
                    assert_eq!(conflict, Some(Found::Version("2".into())), "{at:?}: {error}");
                }
                assert_eq!(row(saved.id, one), Some(saved));
            }
            // At MySQL's SERIALIZABLE a read locks, and it was the other one that had to wait.
            Err(error) => {
                assert_eq!(at.level, "SERIALIZABLE");
                assert_eq!(reason(&error), Some(Reason::LockTimeout), "{error}");
                assert_eq!(answer.unwrap().version, 2);
            }
        }
    }

    /// A stale save is a conflict again when it is tried again, and work that the database ended is
    /// tried again by itself.
    fn retry_tells_a_conflict_from_what_the_database_ended(at, one, other) {
        let stale = document("draft", one);
        run(SHORT_LOCK_WAIT, other);
        let mut runs = 0;
        let policy = Policy::default().attempts(3);
        let answer = retry(&mut *one, &policy, |one| {
            runs += 1;
            row(stale.id, one);
            if runs == 1 {
                // At MySQL's SERIALIZABLE it waits in vain.
                let _ = stale.clone().touch(other);
            }
            stale.clone().save(one)
        });
        let theirs = row(stale.id, one).unwrap();
        if at.level == "SERIALIZABLE" && !at.snapshot_ends_transaction {
            assert_eq!((answer.unwrap(), runs), (theirs, 1));
        } else {
            // The second run sees the present, and nobody asked for another one on a conflict.
            let expected_runs = if at.snapshot_ends_transaction { 2 } else { 1 };
            assert!(answer.unwrap_err().is_conflict(), "{at:?}");
            assert_eq!(runs, expected_runs, "{at:?}");
            assert_eq!(theirs.version, 2);
        }
    }

    /// A transaction whose snapshot is older than what its caller knows: a version that is no longer there
    /// is never named as the one that is, and what is there is never told as deleted.
    fn a_snapshot_is_never_told_as_the_present(at, one, other) {
        let seen = document("seen", one);
        let other_row = document("other row", one);
        run(SHORT_LOCK_WAIT, one);
        run(SHORT_LOCK_WAIT, other);
        type Attempt<'a> = &'a dyn Fn(&Document, &mut Conn) -> Result<(), Error>;
        let attempts: [(&str, Attempt<'_>); 6] = [
            ("patch", &|it, conn| {
                Document::patch(it.id, it.version, documents::title.eq("x"), conn).map(drop)
            }),
            ("save", &|it, conn| it.clone().save(conn).map(drop)),
            ("touch", &|it, conn| it.clone().touch(conn).map(drop)),
            ("delete", &|it, conn| it.clone().delete(conn)),
            ("verify", &|it, conn| it.verify(conn)),
            ("find_at", &|it, conn| Document::find_at(it.id, it.version, conn).map(drop)),
        ];
        for (name, attempt) in attempts {
            let answer = transaction(one, |one| {
                row(other_row.id, one);
                let changed = Document::modify(seen.id, &mut *other, |it| it.title.push('.'));
                // At MySQL's SERIALIZABLE nobody waits for a row that was not read.
                let changed = changed.unwrap();
                let created = document("created", other);
                for known in [changed, created] {
                    if let Err(error) = attempt(&known, one) {
                        let ended = reason(&error).is_some();
                        let found = error.conflict().map(|conflict| conflict.found().clone());
                        // `find_at` reads the snapshot, as every read does, and says which version it has.
                        let of_snapshot = name == "find_at" && known.version > 1;
                        assert!(
                            ended || of_snapshot || found == Some(Found::Unknown),
                            "{at:?}, {name}: {error}"
                        );
                        return Err(error);
                    }
                }
                Err::<(), _>(Error::NotCreated { table: "roll back" })
            });
            let error = answer.unwrap_err();
            if at.level == "READ COMMITTED" {
                assert!(matches!(error, Error::NotCreated { .. }), "{at:?}, {name}: {error}");
            }
        }
    }

    /// What is verified cannot change before the transaction that relies on it has ended.
    fn a_verified_record_is_held_until_commit(_at, one, other) {
        let (relied_on, draft) = (document("rule", one), document("draft", one));
        run(SHORT_LOCK_WAIT, other);
        transaction(one, |one| {
            relied_on.verify(one)?;
            let refused = relied_on.clone().touch(other).unwrap_err();
            assert_eq!(reason(&refused), Some(Reason::LockTimeout), "{refused}");
            draft.save(one)
        })
        .unwrap();
        relied_on.touch(other).unwrap();
    }

    /// Both are on call and one has to be; each goes off call after seeing that the other is on.
    fn two_doctors_do_not_both_go_off_call(at, one, other) {
        let (ann, bob) = (document("on call", one), document("on call", one));
        run(SHORT_LOCK_WAIT, one);
        run(SHORT_LOCK_WAIT, other);
        let mut second = None;
        let first = transaction(one, |one| {
            bob.verify(one)?;
            second = Some(transaction(other, |other| {
                ann.verify(other)?;
                off_call(&bob).save(other)
            }));
            off_call(&ann).save(one)
        });
        let second = second.unwrap();
        assert!(second.is_err() || first.is_err(), "{at:?}: both went off call");
        assert_ne!(on_call!(one), 0);
    }

    /// What the other tests are worth: without `verify` both go.
    fn without_verify_two_doctors_both_go_off_call_below_serializable(at, one, other) {
        let (ann, bob) = (document("on call", one), document("on call", one));
        run(SHORT_LOCK_WAIT, one);
        run(SHORT_LOCK_WAIT, other);
        let mut second = None;
        let first = transaction(one, |one| {
            assert_eq!(Document::find(bob.id, one)?.title, "on call");
            second = Some(transaction(other, |other| {
                assert_eq!(Document::find(ann.id, other)?.title, "on call");
                off_call(&bob).save(other)
            }));
            off_call(&ann).save(one)
        });
        if at.level == "SERIALIZABLE" {
            let refused: Vec<_> =
                [first, second.unwrap()].into_iter().filter_map(Result::err).collect();
            assert!(!refused.is_empty(), "{at:?}");
            assert!(refused.iter().all(Error::is_retryable), "{at:?}: {refused:?}");
            assert_ne!(on_call!(one), 0);
        } else {
            assert_eq!((first.unwrap().version, second.unwrap().unwrap().version), (2, 2));
            assert_eq!(on_call!(one), 0, "{at:?}");
        }
    }

    /// Taken in the same order by both, and held as a write holds them: one waits for the other, and
    /// neither waits in a circle.
    fn doctors_who_tell_what_they_write_wait_for_each_other_without_a_deadlock(at, one, other) {
        let (ann, bob) = (document("on call", one), document("on call", one));
        let go = |doctor: &Document, colleague: &Document, conn: &mut Conn| {
            transaction(conn, |conn| {
                verify_all(&[colleague, &doctor.for_update()], conn)?;
                off_call(doctor).save(conn)
            })
        };
        for round in 0..10 {
            let (ann, bob) = (ann.reload(one).unwrap(), bob.reload(one).unwrap());
            let start = Barrier::new(2);
            let answers = thread::scope(|scope| {
                let second = scope.spawn(|| {
                    start.wait();
                    go(&bob, &ann, &mut *other)
                });
                start.wait();
                [go(&ann, &bob, &mut *one), second.join().unwrap()]
            });
            let late: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
            assert_eq!(late.len(), 1, "{at:?}, round {round}: {answers:?}");
            let told = late[0].is_conflict() || reason(late[0]) == Some(Reason::Serialization);
            let deadlock = late[0].to_string().to_lowercase().contains("deadlock");
            assert!(told && !deadlock, "{at:?}, round {round}: {}", late[0]);
            for doctor in [ann, bob] {
                let doctor = doctor.reload(one).unwrap();
                Document { title: "on call".into(), ..doctor }.save(one).unwrap();
            }
        }
    }

    fn retry_restarts_what_the_database_has_ended(_at, one, other) {
        let draft = document("0", one);
        let policy = || Policy::default().attempts(1000).deadline(Duration::from_secs(60));
        let add_twenty = |conn: &mut Conn| {
            for _ in 0..20 {
                let add_one = |conn: &mut Conn| {
                    let document = Document::find(draft.id, conn)?;
                    let sum: i32 = document.title.parse().unwrap();
                    Document { title: (sum + 1).to_string(), ..document }.save(conn)
                };
                retry(&mut *conn, &policy().on_conflict(), add_one).unwrap();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| add_twenty(&mut *other));
            add_twenty(&mut *one);
        });
        let last = row(draft.id, one).unwrap();
        assert_eq!((last.title.as_str(), last.version), ("40", 41));
    }
}
