//! The isolation levels of the servers: what a stale write is answered at each of them.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::{Error, Found, transaction};

use crate::support::{Document, documents};

const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

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
                fn body($at: &str, $one: &mut Conn, $other: &mut Conn) $body

                for level in LEVELS {
                    let server = Server::new();
                    let (one, other) = (&mut server.connect(), &mut server.connect());
                    set_level(level, one);
                    set_level(level, other);
                    body(level, one, other);
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
                let snapshot = reason(&error) == Some(Reason::Serialization);
                let survives = at == "READ COMMITTED" || !SNAPSHOT_ENDS_TRANSACTION;
                assert_eq!(snapshot, !survives, "{at}: {error}");
                assert_eq!(conflict.is_some(), survives, "{at}: {error}");
                assert!(conflict.is_none_or(|found| found == Found::Version("2".into())));
                assert_eq!(row(saved.id, one), Some(saved));
            }
            // At MySQL's SERIALIZABLE a read locks, and it was the other one that had to wait.
            Err(error) => {
                assert_eq!(at, "SERIALIZABLE");
                assert_eq!(reason(&error), Some(Reason::LockTimeout), "{error}");
                assert_eq!(answer.unwrap().version, 2);
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
        let off = |doctor: &Document| Document { title: "off".into(), ..doctor.clone() };
        run(SHORT_LOCK_WAIT, one);
        run(SHORT_LOCK_WAIT, other);
        let mut second = None;
        let first = transaction(one, |one| {
            bob.verify(one)?;
            second = Some(transaction(other, |other| {
                ann.verify(other)?;
                off(&bob).save(other)
            }));
            off(&ann).save(one)
        });
        let second = second.unwrap();
        assert!(second.is_err() || first.is_err(), "{at}: both went off call");
        let on_call = documents::table.filter(documents::title.eq("on call"));
        assert_ne!(on_call.count().get_result::<i64>(one), Ok(0));
    }

    fn retry_restarts_what_the_database_has_ended(_at, one, other) {
        use noclobber::retry::{Policy, retry};

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
