//! Whose time it is: the database's, after any wait.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use noclobber::lock::Lock;
use noclobber::prelude::*;
use noclobber::retry::Nested;
use noclobber::{Error, Lease, transaction};

use super::{MINUTE, anns, bobs, create_tables, present, root, seen, wait_until};
use crate::support::on_every_shared_database;

/// Long enough for a stamp from before the wait to be told from one after it.
const WAIT: Duration = Duration::from_millis(250);

/// By its key, as the library asks for it.
const ROW: &str = "SELECT * FROM locks WHERE entity = 'documents' AND record = '7'";

/// The lease that is asked for, by somebody who is in another time zone and has to wait, is that of the
/// time after the wait.
macro_rules! assert_stamped_after_the_wait {
    ($database:ident, $conn:ident, $ask:expr, $let_go:expr) => {{
        let watcher = &mut $database.connect();
        present(watcher);
        let (tell, told) = mpsc::channel();
        let (lease, let_go_at) = thread::scope(|scope| {
            let asking = scope.spawn(move || {
                let conn = &mut $database.connect();
                run(ABROAD, conn);
                tell.send(session(conn)).unwrap();
                $ask(conn)
            });
            let asking_session = told.recv().unwrap();
            wait_until("somebody waits", || is_waiting(asking_session, watcher));
            thread::sleep(WAIT);
            let let_go_at = present(watcher);
            $let_go($conn);
            let lease: Lease = asking.join().unwrap();
            (lease, let_go_at)
        });
        let info = lease.info();
        assert!(info.acquired_at() >= let_go_at, "{} < {let_go_at}", info.acquired_at());
        let ttl = info.expires_at() - info.acquired_at();
        // Each is a look at the clock, one after the other, but not one before the wait and one after it.
        let ttl = ttl.to_std().unwrap();
        assert!(ttl >= MINUTE * 5 && ttl < MINUTE * 5 + WAIT, "{ttl:?}");
        assert!(!info.is_expired() && lease.is_trusted());
        assert!((present(watcher) - info.acquired_at()).abs() < TimeDelta::minutes(1));
        lease
    }};
}

on_every_shared_database! {
    fn a_wait_for_the_row_of_a_lease_that_was_released(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        anns().acquire(conn).unwrap().release(conn).unwrap();
        present(conn);
        run(&format!("{BEGIN}; {ROW}{HOLD_TO_WRITE}"), conn);
        let lease = assert_stamped_after_the_wait!(
            database, conn,
            |conn: &mut Conn| bobs().acquire(conn).unwrap(),
            |conn: &mut Conn| run("COMMIT", conn)
        );
        assert_eq!(lease.fence(), 2);
    }

    fn a_wait_for_somebody_who_creates_the_row_and_thinks_better_of_it(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        present(conn);
        run(BEGIN, conn);
        run("INSERT INTO locks (entity, record, fence) VALUES ('documents', '7', 1)", conn);
        let lease = assert_stamped_after_the_wait!(
            database, conn,
            |conn: &mut Conn| bobs().acquire(conn).unwrap(),
            |conn: &mut Conn| run("ROLLBACK", conn)
        );
        assert_eq!(lease.fence(), 1);
    }

    fn what_expires_during_the_wait_is_taken(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        present(conn);
        run(BEGIN, conn);
        run(
            "INSERT INTO locks (entity, record, fence, token, owner, acquired_at, expires_at)
             VALUES ('documents', '7', 1, '00000000-0000-0000-0000-000000000001', 'ann', 0, 0)",
            conn,
        );
        let lease = assert_stamped_after_the_wait!(
            database, conn,
            |conn: &mut Conn| bobs().acquire(conn).unwrap(),
            |conn: &mut Conn| {
                // It ends in the midst of the wait.
                let ends = (present(conn) - TimeDelta::milliseconds(50)).timestamp_millis();
                run(&format!("UPDATE locks SET expires_at = {ends} WHERE record = '7'"), conn);
                run("COMMIT", conn);
            }
        );
        assert_eq!(lease.fence(), 2);
    }

    fn a_thief_who_waits_for_a_proof(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let mut draft = document("draft", conn);
        present(conn);
        while draft.id < 7 {
            draft = document("draft", conn);
        }
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let info = seen(conn).unwrap();
        // By hand, so that it ends where the test says.
        run(&format!("{BEGIN}; {ROW}{HOLD}"), conn);
        let stolen = assert_stamped_after_the_wait!(
            database, conn,
            |conn: &mut Conn| root().steal(&info, conn).unwrap(),
            |conn: &mut Conn| run("COMMIT", conn)
        );
        assert_eq!(stolen.fence(), lease.fence() + 1);
    }

    /// On MySQL `SYSDATE` is in the session's time zone.
    fn a_lease_from_another_time_zone_expires_when_it_should(database) {
        let (here, abroad) = (&mut database.connect(), &mut database.connect());
        create_tables!(here);
        run(ABROAD, abroad);
        let theirs = anns().ttl(Duration::from_millis(300)).acquire(abroad).unwrap();
        let difference = present(here) - theirs.info().acquired_at();
        assert!(difference.abs() < TimeDelta::minutes(1), "{difference}");
        wait_until("it expires", || seen(here).unwrap().is_expired());
        assert!(seen(abroad).unwrap().is_expired());
        let ours = bobs().ttl(Duration::from_millis(300)).acquire(here).unwrap();
        wait_until("it expires", || seen(abroad).unwrap().is_expired());
        assert_eq!(anns().acquire(abroad).unwrap().fence(), ours.fence() + 1);
    }

    /// A transaction that began earlier does not keep a lease from being judged by the present.
    fn inside_a_transaction_time_goes_on(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        let brief = Lock::on("documents", "8").owner("bob").ttl(Duration::from_millis(100));
        let brief = brief.nested(Nested::RunOnce);
        let taken = transaction(conn, |conn| {
            let first = anns().nested(Nested::RunOnce).acquire(conn)?;
            let brief = brief.acquire(conn)?;
            // Its end has come, by the clock of those who are outside.
            let started = std::time::Instant::now();
            wait_until("it ends", || started.elapsed() > Duration::from_millis(200));
            let later = Lock::on("documents", "8").owner("ann").nested(Nested::RunOnce);
            let later = later.acquire(conn)?;
            assert!(later.info().acquired_at() >= brief.info().expires_at());
            Ok::<_, Error>((first, later))
        });
        let (first, later) = taken.unwrap();
        assert_eq!((first.fence(), later.fence()), (1, 2));
        assert!(present(other) >= later.info().acquired_at());
    }
}

/// On a server that takes `SYSDATE` for `NOW`, who waits would be told the time before the wait.
#[cfg(feature = "mysql")]
#[test]
fn where_the_clock_stands_still_inside_a_statement_no_lease_is_to_be_had() {
    use noclobber::lock;

    use super::both::{Draft, first_draft};
    use crate::support::mysql::{NUMBER_KEY, Server, own_server_with, run};

    let Some(own) = own_server_with("--sysdate-is-now") else {
        println!("skipped: the server is not installed here");
        return;
    };
    let server = Server::at(own.url());
    let conn = &mut server.connect();
    let draft = first_draft!(conn);
    let refused = |error: Option<Error>| {
        assert!(matches!(error, Some(Error::FrozenClock)), "{error:?}");
    };
    refused(anns().acquire(conn).err());
    refused(anns().acquire_within(Duration::from_millis(1), &mut *conn).err());
    refused(lock::acquire_all(&[&anns()], conn).err());
    refused(draft.lock_in_columns().owner("ann").acquire(conn).err());

    // What was taken when the server ran otherwise is not taken over either.
    let token = "00000000-0000-0000-0000-000000000001";
    let columns = "entity, record, fence, token, owner, acquired_at, expires_at";
    let values = format!("'documents', '7', 1, '{token}', 'ann', 1, 4000000000000");
    run(&format!("INSERT INTO locks ({columns}) VALUES ({values})"), conn);
    let values = "lock_token = 'x', locked_by = 'ann', locked_until = 4000000000000";
    run(&format!("UPDATE drafts SET {values}"), conn);
    let in_table = seen(conn).unwrap();
    let in_columns = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
    refused(root().steal(&in_table, conn).err());
    refused(root().steal_in_columns(&draft, &in_columns, conn).err());
    assert_eq!(seen(conn).unwrap().fence(), 1);
}
