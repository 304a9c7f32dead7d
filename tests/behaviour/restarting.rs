//! Servers that crash under their clients and come back: nothing that was acknowledged is lost, and
//! nothing is acknowledged that is not there.

use std::thread;
use std::time::Duration;

use diesel::r2d2::{ConnectionManager, Pool};
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::retry::{Policy, Retry, Retryable, retry};
use noclobber::{Error, transaction};

use crate::support::Document;

/// The tests of one body on both servers, each with a server of its own.
macro_rules! on_a_server_of_its_own {
    ($($(#[$documentation:meta])* fn $name:ident($own:ident, $server:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            on_a_server_of_its_own!(@ "postgres" postgres testserver::Postgres, $own $server $body);
            on_a_server_of_its_own!(@ "mysql" mysql testserver::Mariadb, $own $server $body);
        }
    )*};
    (@ $feature:literal $database:ident $product:ty, $own:ident $server:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $database {
            use super::super::*;
            use crate::support::$database::*;
            use crate::support::server::OwnServer;

            #[test]
            fn server() {
                fn body($own: &mut OwnServer<$product>, $server: &Server) $body

                let Some(mut own) = own_server() else {
                    println!("skipped: the server is not installed here");
                    return;
                };
                let server = Server::at(own.url());
                body(&mut own, &server);
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

on_a_server_of_its_own! {
    fn a_crash_is_unavailable_inside_a_transaction_and_unknown_to_a_lone_write(own, server) {
        let (alone, inside, ending) =
            (&mut server.connect(), &mut server.connect(), &mut server.connect());
        let (one, other, last) =
            (document("one", alone), document("other", alone), document("last", alone));

        let ended = transaction(ending, |ending| {
            let saved = last.clone().save(ending)?;
            let answer = transaction(inside, |inside| {
                other.clone().touch(inside)?;
                own.crash();
                other.clone().touch(inside)
            });
            let error = answer.unwrap_err();
            assert_eq!(reason(&error), Some(Reason::ConnectionLost), "{error}");
            Ok::<_, Error>(saved)
        });
        // It was not told to commit.
        let error = ended.unwrap_err();
        assert_eq!(reason(&error), Some(Reason::ConnectionLost), "{error}");
        let error = one.clone().save(alone).unwrap_err();
        assert!(matches!(error, Error::UnknownOutcome(_)), "{error:?}");
        assert_eq!(error.retry(), Retry::Never);

        own.start_again();
        let conn = &mut server.connect();
        for document in [one, other, last] {
            assert_eq!(row(document.id, conn), Some(document));
        }
    }

    /// Transactions are tried again until the server is there again.
    fn retry_outlasts_a_restart(own, server) {
        let id = document("", &mut server.connect()).id;
        let pool: Pool<ConnectionManager<Conn>> = Pool::builder()
            .max_size(2)
            .connection_timeout(Duration::from_millis(500))
            .build_unchecked(ConnectionManager::new(server.url()));
        let policy = Policy::default()
            .attempts(10_000)
            .deadline(Duration::from_secs(60))
            .pauses(Duration::from_millis(1), Duration::from_millis(50))
            .on_conflict();
        let append = |mark: String| {
            retry(&pool, &policy, |conn| {
                let document = Document::find(id, conn)?;
                let title = format!("{}{mark}", document.title);
                Document { title, ..document }.save(conn)
            })
        };
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut acknowledged = Vec::new();
                for write in 0..40 {
                    let mark = format!("[{write}]");
                    match append(mark.clone()) {
                        Ok(_) => acknowledged.push(mark),
                        // The crash met it in its COMMIT.
                        Err(Error::UnknownOutcome(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                acknowledged
            });
            thread::sleep(Duration::from_millis(60));
            own.crash();
            thread::sleep(Duration::from_millis(100));
            own.start_again();
            let acknowledged = writer.join().unwrap();

            let last = row(id, &mut server.connect()).unwrap();
            for mark in &acknowledged {
                assert_eq!(last.title.matches(mark.as_str()).count(), 1, "{mark}");
            }
            // At most the one whose COMMIT was lost may be there unacknowledged.
            assert!(acknowledged.len() >= 39, "{acknowledged:?}");
            let written = last.title.matches('[').count();
            assert!(written - acknowledged.len() <= 1, "{}", last.title);
            assert_eq!(usize::try_from(last.version - 1), Ok(written));
        });
    }
}
