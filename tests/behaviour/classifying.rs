//! Every error that a restart may cure, provoked on a real server; and what is never taken for one.

use std::thread;

use diesel::connection::SimpleConnection;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::{Error, transaction};

use crate::support::{Barrier, Document};

/// The tests of one body on both servers.
macro_rules! on_both_servers {
    ($($(#[$documentation:meta])* fn $name:ident($server:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            on_both_servers!(@ "postgres" postgres $server $body);
            on_both_servers!(@ "mysql" mysql $server $body);
        }
    )*};
    (@ $feature:literal $database:ident $server:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $database {
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::super::*;
            use crate::support::$database::*;

            #[test]
            fn server() {
                fn body($server: &Server) $body
                body(&Server::new());
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

on_both_servers! {
    /// Two transactions take two records in opposite order.
    fn a_broken_deadlock_is_unavailable_to_its_loser(server) {
        let conn = &mut server.connect();
        let (a, b) = (document("a", conn), document("b", conn));
        let both_hold_one = Barrier::new(2);
        let in_order = |first: &Document, second: &Document| {
            let conn = &mut server.connect();
            transaction(conn, |conn| {
                first.clone().touch(conn)?;
                both_hold_one.wait();
                second.clone().touch(conn)
            })
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let one = scope.spawn(|| in_order(&a, &b));
            let other = scope.spawn(|| in_order(&b, &a));
            [one, other].into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let losers: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(losers.len(), 1);
        assert_eq!(reason(losers[0]), Some(Reason::Deadlock), "{}", losers[0]);
    }

    /// The loser ignores it and goes on: its closure says `Ok`, and that is not what it gets.
    fn a_deadlock_that_is_ignored_is_never_a_success(server) {
        let conn = &mut server.connect();
        let (a, b) = (document("a", conn), document("b", conn));
        let both_hold_one = Barrier::new(2);
        let in_order = |first: &Document, second: &Document| {
            let conn = &mut server.connect();
            transaction(conn, |conn| {
                first.clone().touch(conn)?;
                both_hold_one.wait();
                Ok::<_, Error>(second.clone().touch(conn).is_ok())
            })
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let one = scope.spawn(|| in_order(&a, &b));
            let other = scope.spawn(|| in_order(&b, &a));
            [one, other].into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let rolled_back = |answer: &&Result<bool, Error>| matches!(answer, Err(Error::RolledBack(_)));
        assert_eq!(answers.iter().filter(rolled_back).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(true))).count(), 1);
        // The winner's two writes, and nothing of the loser's.
        assert_eq!(row(a.id, conn).unwrap().version, 2);
        assert_eq!(row(b.id, conn).unwrap().version, 2);
    }

    fn a_lock_that_is_not_to_be_had_in_time_is_unavailable(server) {
        let (one, other) = (&mut server.connect(), &mut server.connect());
        let draft = document("draft", one);
        run(SHORT_LOCK_WAIT, other);
        transaction(one, |one| {
            let held = draft.clone().touch(one)?;
            let refused = draft.clone().touch(other).unwrap_err();
            assert_eq!(reason(&refused), Some(Reason::LockTimeout), "{refused}");
            Ok::<_, Error>(held)
        })
        .unwrap();
    }

    fn a_lock_that_is_not_to_be_had_at_once_is_unavailable(server) {
        let (one, other) = (&mut server.connect(), &mut server.connect());
        let draft = document("draft", one);
        transaction(one, |one| {
            let held = draft.clone().touch(one)?;
            let error = other.batch_execute("SELECT * FROM documents FOR UPDATE NOWAIT").unwrap_err();
            let error = Error::from(error);
            assert_eq!(reason(&error), Some(Reason::LockTimeout), "{error}");
            Ok::<_, Error>(held)
        })
        .unwrap();
    }

    fn a_connection_that_is_killed_inside_a_transaction_is_unavailable(server) {
        let (one, other) = (&mut server.connect(), &mut server.connect());
        let draft = document("draft", one);
        let answer = transaction(one, |one| {
            draft.clone().touch(one)?;
            kill(one, other);
            draft.clone().touch(one)
        });
        let error = answer.unwrap_err();
        assert_eq!(reason(&error), Some(Reason::ConnectionLost), "{error}");
        assert_eq!(row(draft.id, other), Some(draft));
    }

    fn an_error_of_ones_own_is_never_taken_for_a_passing_one(server) {
        let conn = &mut server.connect();
        for sql in ["SELECT * FROM nothing_of_that_name", "SELECT FROM WHERE", NOT_A_NUMBER] {
            let error = Error::from(conn.batch_execute(sql).unwrap_err());
            assert!(matches!(error, Error::Database(_)), "{error:?}");
        }
        let draft = document("draft", conn);
        let error = Document { title: "forbidden".into(), ..draft }.save(conn).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
    }

    /// PostgreSQL's transaction is dead after any error, and its COMMIT then rolls back and says so
    /// to nobody. MySQL's goes on.
    fn an_error_that_is_ignored_is_never_a_wrong_success(server) {
        let conn = &mut server.connect();
        let draft = document("draft", conn);
        let answer = transaction(conn, |conn| {
            let saved = draft.clone().touch(conn)?;
            conn.batch_execute("SELECT * FROM nothing_of_that_name").unwrap_err();
            Ok::<_, Error>(saved)
        });
        match answer {
            Ok(saved) => assert_eq!(row(saved.id, conn), Some(saved)),
            Err(error) => {
                assert!(matches!(error, Error::RolledBack(_)), "{error:?}");
                assert_eq!(row(draft.id, conn), Some(draft));
            }
        }
        assert!(is_outside(conn));
    }
}

/// With snapshot isolation, MariaDB refuses what others wrote after the first read.
#[cfg(feature = "mysql")]
mod with_snapshot_isolation {
    use diesel::prelude::*;

    use super::*;
    use crate::support::mysql::*;

    fn snapshot_isolation(conn: &mut Conn) -> bool {
        conn.batch_execute("SET SESSION innodb_snapshot_isolation = ON").is_ok()
    }

    #[test]
    fn a_stale_save_inside_a_transaction_is_unavailable() {
        let server = Server::new();
        let (one, other) = (&mut server.connect(), &mut server.connect());
        if !snapshot_isolation(one) {
            println!("skipped: this server knows no innodb_snapshot_isolation");
            return;
        }
        let stale = document("draft", one);
        let answer = transaction(one, |one| {
            row(stale.id, one);
            stale.clone().touch(other).unwrap();
            stale.clone().touch(one)
        });
        let error = answer.unwrap_err();
        assert_eq!(reason(&error), Some(Reason::Serialization), "{error}");
        assert!(is_outside(one));
    }

    #[test]
    fn a_snapshot_conflict_that_is_ignored_is_never_a_success() {
        let server = Server::new();
        let (one, other) = (&mut server.connect(), &mut server.connect());
        if !snapshot_isolation(one) {
            println!("skipped: this server knows no innodb_snapshot_isolation");
            return;
        }
        let (written, stale) = (document("written", one), document("stale", one));
        let answer = transaction(one, |one| {
            row(stale.id, one);
            written.clone().touch(one)?;
            stale.clone().touch(other).unwrap();
            let ignored = stale.clone().touch(one);
            assert!(ignored.is_err());
            QueryResult::Ok(()).map_err(Error::from)
        });
        assert!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
        assert_eq!(row(written.id, one), Some(written));
    }
}
