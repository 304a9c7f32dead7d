//! Servers that speak another language than English: what is not understood stays an error of the
//! database, is never a success, and is not tried again.

use std::thread;

use diesel::connection::SimpleConnection;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::retry::{Retry, Retryable};
use noclobber::{Error, transaction};

use crate::support::{Barrier, Document};

/// The tests of one body on both servers, whose connections speak German; `connect` opens one.
macro_rules! in_german {
    ($($(#[$documentation:meta])* fn $name:ident($connect:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            in_german!(@ "postgres" postgres $connect $body);
            in_german!(@ "mysql" mysql $connect $body);
        }
    )*};
    (@ $feature:literal $database:ident $connect:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $database {
            use super::super::*;
            use crate::support::$database::*;

            #[test]
            fn server() {
                fn body($connect: &(dyn Fn() -> Conn + Sync)) $body

                let done = with_german_server(|server| {
                    body(&|| {
                        let mut conn = server.connect();
                        run(GERMAN, &mut conn);
                        conn
                    });
                });
                if let Err(missing) = done {
                    println!("skipped: {missing}");
                }
            }
        }
    };
}

/// An error that nobody understood.
fn is_left_alone(error: &Error) -> bool {
    matches!(error, Error::Database(_)) && error.retry() == Retry::Never
}

in_german! {
    fn the_server_does_speak_german(connect) {
        let error = connect().batch_execute("SELECT * FROM nothing_of_that_name").unwrap_err();
        assert!(error.to_string().ends_with("existiert nicht"), "{error}");
    }

    /// What Diesel has a kind for is understood all the same.
    fn a_conflict_and_a_violation_are_what_they_are(connect) {
        let conn = &mut connect();
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        assert!(stale.clone().save(conn).unwrap_err().is_conflict());
        let current = stale.reload(conn).unwrap();
        let refused = Document { title: "forbidden".into(), ..current.clone() }.save(conn);
        assert!(is_left_alone(&refused.unwrap_err()));
        assert_eq!(row(stale.id, conn), Some(current));
    }

    fn a_lock_that_is_not_to_be_had_in_time_is_an_error_of_the_database(connect) {
        let (one, other) = (&mut connect(), &mut connect());
        let draft = document("draft", one);
        run(SHORT_LOCK_WAIT, other);
        let saved = transaction(one, |one| {
            let held = draft.clone().touch(one)?;
            let refused = draft.clone().touch(other).unwrap_err();
            assert!(is_left_alone(&refused), "{refused:?}");
            // One that ignores it in a transaction of its own is not told that all is well.
            let ignored = transaction(other, |other| {
                let _ = draft.clone().touch(other);
                Ok::<_, Error>(())
            });
            assert!(IGNORES_LOCK_TIMEOUTS || matches!(ignored, Err(Error::RolledBack(_))));
            Ok::<_, Error>(held)
        });
        assert_eq!(row(draft.id, other), Some(saved.unwrap()));
    }

    fn a_lock_that_is_not_to_be_had_at_once_is_an_error_of_the_database(connect) {
        let (one, other) = (&mut connect(), &mut connect());
        let draft = document("draft", one);
        transaction(one, |one| {
            let held = draft.clone().touch(one)?;
            let error = other.batch_execute("SELECT * FROM documents FOR UPDATE NOWAIT").unwrap_err();
            assert!(is_left_alone(&Error::from(error)));
            Ok::<_, Error>(held)
        })
        .unwrap();
    }

    /// That the connection is gone is seen without a message of the server's.
    fn a_killed_connection_is_unavailable_in_any_language(connect) {
        let (one, other) = (&mut connect(), &mut connect());
        let draft = document("draft", one);
        let answer = transaction(one, |one| {
            draft.clone().touch(one)?;
            kill(one, other);
            draft.clone().touch(one)
        });
        let error = answer.unwrap_err();
        assert!(matches!(&error, Error::Unavailable(it) if it.reason() == Reason::ConnectionLost), "{error:?}");
        assert_eq!(row(draft.id, other), Some(draft));
    }

    fn the_loser_of_a_deadlock_is_never_told_of_a_success(connect) {
        let conn = &mut connect();
        let (a, b) = (document("a", conn), document("b", conn));
        let both_hold_one = Barrier::new(2);
        let in_order = |first: &Document, second: &Document, ignore: bool| {
            let conn = &mut connect();
            transaction(conn, |conn| {
                first.clone().touch(conn)?;
                both_hold_one.wait();
                match second.clone().touch(conn) {
                    Err(_) if ignore => Ok(()),
                    answer => answer.map(drop),
                }
            })
        };
        for ignore in [false, true] {
            let (a, b) = (a.reload(conn).unwrap(), b.reload(conn).unwrap());
            let answers: Vec<_> = thread::scope(|scope| {
                let one = scope.spawn(|| in_order(&a, &b, ignore));
                let other = scope.spawn(|| in_order(&b, &a, ignore));
                [one, other].into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let losers: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
            let [loser] = losers.as_slice() else { panic!("{losers:?}") };
            // MySQL's has a kind of its own with Diesel, PostgreSQL's has not.
            let understood = matches!(loser, Error::Unavailable(_));
            let rolled_back = ignore && matches!(loser, Error::RolledBack(_));
            assert!(understood || rolled_back || is_left_alone(loser), "{loser:?}");
            assert_eq!(row(a.id, conn).unwrap().version, a.version + 1);
            assert_eq!(row(b.id, conn).unwrap().version, b.version + 1);
        }
    }
}

/// PostgreSQL tells a serialization failure by a code that Diesel has a kind for.
#[cfg(feature = "postgres")]
#[test]
fn a_serialization_failure_is_understood_in_any_language() {
    use crate::support::postgres::*;

    let done = with_german_server(|server| {
        let (one, other) = (&mut server.connect(), &mut server.connect());
        run(GERMAN, one);
        run("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ", one);
        let stale = document("draft", one);
        let answer = transaction(one, |one| {
            row(stale.id, one);
            stale.clone().touch(other).unwrap();
            stale.clone().touch(one)
        });
        let error = answer.unwrap_err();
        assert!(
            matches!(&error, Error::Unavailable(it) if it.reason() == Reason::Serialization),
            "{error:?}"
        );
    });
    if let Err(missing) = done {
        println!("skipped: {missing}");
    }
}

/// What MariaDB calls a changed record, and does so in German: an error of the database, and no success to
/// who ignores it.
#[cfg(feature = "mysql")]
#[test]
fn a_snapshot_conflict_is_never_a_success_in_any_language() {
    use crate::support::mysql::*;

    let server = Server::new();
    let (one, other) = (&mut server.connect(), &mut server.connect());
    if one.batch_execute("SET SESSION innodb_snapshot_isolation = ON").is_err() {
        println!("skipped: this server knows no innodb_snapshot_isolation");
        return;
    }
    run(GERMAN, one);
    for ignore in [false, true] {
        let stale = document("stale", one);
        let written = document("written", one);
        let answer = transaction(one, |one| {
            row(stale.id, one);
            written.clone().touch(one)?;
            stale.clone().touch(other).unwrap();
            match stale.clone().touch(one) {
                Err(_) if ignore => Ok(()),
                answer => answer.map(drop),
            }
        });
        let error = answer.unwrap_err();
        assert!(
            is_left_alone(&error) || ignore && matches!(error, Error::RolledBack(_)),
            "{error:?}"
        );
        assert_eq!(row(written.id, one), Some(written));
    }
}

/// Nor is a batch sent singly when its transaction is gone: what is sent then would stand by itself.
#[cfg(feature = "mysql")]
#[test]
fn a_batch_whose_transaction_the_server_has_ended_writes_nothing() {
    use crate::support::mysql::*;

    let server = Server::new();
    let (one, other) = (&mut server.connect(), &mut server.connect());
    if one.batch_execute("SET SESSION innodb_snapshot_isolation = ON").is_err() {
        println!("skipped: this server knows no innodb_snapshot_isolation");
        return;
    }
    run(GERMAN, one);
    let [first, stale, last, written] =
        ["first", "stale", "last", "written"].map(|it| document(it, one));
    let answer = transaction(one, |one| {
        row(stale.id, one);
        written.clone().touch(one)?;
        stale.clone().touch(other).unwrap();
        let batch = [first.clone(), stale.clone(), last.clone()];
        Document::save_all(batch, one)
    });
    let error = answer.unwrap_err();
    assert!(is_left_alone(&error), "{error:?}");
    for document in [first, last, written] {
        assert_eq!(row(document.id, other), Some(document));
    }
}
