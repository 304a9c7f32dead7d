//! What a guarded write holds until commit, and who meets it there.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::Connection;
use noclobber::error::{Loss, Reason};
use noclobber::lock::{self, Lock};
use noclobber::prelude::*;
use noclobber::retry::Nested;
use noclobber::{Error, transaction};

use super::{MINUTE, SOON, create_tables, held, lost, root, wait_until};
use crate::support::{Document, on_every_shared_database};

fn titled(document: &Document, title: &str) -> Document {
    Document { title: title.into(), ..document.clone() }
}

/// The lease on a document, as everybody sees it.
macro_rules! info {
    ($document:expr, $conn:expr) => {
        noclobber::lock::inspect("documents", &$document.id.to_string(), $conn).unwrap().unwrap()
    };
}

on_every_shared_database! {
    /// Where there is one writer, who wants to write is told that the database is busy.
    fn a_lease_that_runs_out_under_a_proof_is_held_until_commit(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        run(WITHOUT_PATIENCE, other);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").ttl(Duration::from_millis(300)).acquire(conn).unwrap();
        let saved = transaction(conn, |conn| {
            let saved = titled(&draft, "ann's").save_locked(&lease, conn)?;
            wait_until("it runs out", || info!(draft, other).is_expired());
            let started = Instant::now();
            let refused = draft.lock().owner("bob").acquire(other).unwrap_err();
            assert!(started.elapsed() < SOON, "he has waited for {:?}", started.elapsed());
            if ONE_WRITER {
                assert!(matches!(&refused, Error::Unavailable(it) if it.reason() == Reason::Busy), "{refused:?}");
            } else {
                let refused = held(refused);
                assert_eq!((refused.info().owner(), refused.info().fence()), ("ann", 1));
            }
            Ok::<_, Error>(saved)
        });
        assert_eq!(row(draft.id, conn), Some(saved.unwrap()));
        let bobs = draft.lock().owner("bob").acquire(other);
        // Whoever had to write late has regained it by that, for as long again.
        let bobs = bobs.or_else(|_| draft.lock().owner("bob").acquire_within(MINUTE, &mut *other));
        assert_eq!(bobs.unwrap().fence(), 2);
    }

    fn a_renewal_does_not_wait_for_the_holders_own_proof(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        run(WITHOUT_PATIENCE, other);
        let draft = document("draft", conn);
        let mut lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let saved = transaction(conn, |conn| {
            let saved = titled(&draft, "ann's").save_locked(&lease, conn)?;
            let started = Instant::now();
            let busy = lease.renew(other).unwrap_err();
            assert!(started.elapsed() < SOON, "it has waited for {:?}", started.elapsed());
            assert!(busy.is_retryable(), "{busy:?}");
            assert!(lease.is_trusted());
            Ok::<_, Error>(saved)
        });
        lease.renew(other).unwrap();
        assert_eq!(lease.info().renewals(), 1);
        assert_eq!(row(draft.id, conn), Some(saved.unwrap()));
        lease.release(conn).unwrap();
    }

    /// The thief was first, and the write had to wait for him.
    fn a_write_that_waits_for_a_thief_is_refused(database) {
        let (conn, thief) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let seen = info!(draft, conn);
        let (tell, told) = mpsc::channel();
        let (saved, stolen) = thread::scope(|scope| {
            let (lease, draft) = (&lease, &draft);
            let holder = move || {
                let conn = &mut database.connect();
                tell.send(session(conn)).unwrap();
                titled(draft, "ann's").save_locked(lease, conn)
            };
            let mut saving = None;
            let stolen = transaction(thief, |thief| {
                let stolen = root().nested(Nested::RunOnce).steal(&seen, thief)?;
                saving = Some(scope.spawn(holder));
                let holders_session = told.recv().unwrap();
                let watcher = &mut database.connect();
                wait_until("the write waits", || is_waiting(holders_session, watcher));
                Ok::<_, Error>(stolen)
            });
            (saving.unwrap().join().unwrap(), stolen.unwrap())
        });
        let told = lost(saved.unwrap_err());
        assert_eq!((told.loss(), told.by(), told.reason()), (Loss::Stolen, Some("root"), Some("urgent")));
        assert_eq!(row(draft.id, conn), Some(draft.clone()));
        titled(&draft, "root's").save_locked(&stolen, conn).unwrap();
    }

    /// The write was first, has proven its lease, and waits for the record. Who gets the lease then sees
    /// what it wrote: nobody writes behind the back of the next holder.
    fn a_thief_waits_for_a_write_that_has_proven_its_lease(database) {
        let (conn, watcher) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let seen = info!(draft, conn);
        // Somebody else, who writes nothing in the end.
        run(&format!("{BEGIN}; SELECT 1 FROM documents{HOLD_TO_WRITE}"), conn);
        let (tell, told) = mpsc::channel();
        let (saved, found_by_thief) = thread::scope(|scope| {
            let (lease, draft, seen) = (&lease, &draft, &seen);
            let saving = scope.spawn(move || {
                let conn = &mut database.connect();
                tell.send(session(conn)).unwrap();
                titled(draft, "ann's").save_locked(lease, conn)
            });
            let holders_session = told.recv().unwrap();
            wait_until("the write waits", || is_waiting(holders_session, watcher));
            let (has, had) = mpsc::channel();
            let stealing = scope.spawn(move || {
                let conn = &mut database.connect();
                let stolen = root().steal(seen, conn).unwrap();
                let found = row(draft.id, conn).unwrap();
                let _ = has.send(());
                (stolen, found)
            });
            // Time for a thief who does not wait.
            let _ = had.recv_timeout(Duration::from_millis(300));
            run("ROLLBACK", conn);
            let (_stolen, found) = stealing.join().unwrap();
            (saving.join().unwrap(), found)
        });
        match saved {
            Ok(saved) => assert_eq!(saved.title, "ann's"),
            // Where there is one writer, the thief may have been the next.
            Err(error) => assert!(ONE_WRITER && lost(error).loss() == Loss::Stolen),
        }
        assert_eq!(row(draft.id, conn), Some(found_by_thief));
    }

    /// A transaction that reads first may see the past, where transactions do.
    fn who_has_lost_the_lease_learns_why_also_in_a_transaction_that_began_before(database) {
        let (conn, thief) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let refused = conn.transaction(|conn| {
            assert_eq!(row(draft.id, conn), Some(draft.clone()));
            info!(draft, conn);
            run(WITHOUT_PATIENCE, thief);
            match root().steal(&info!(draft, thief), thief) {
                Ok(stolen) => stolen.release(thief).unwrap(),
                // Where who reads keeps those who write from their commit.
                Err(error) => assert!(ONE_WRITER && error.is_retryable(), "{error:?}"),
            }
            titled(&draft, "ann's").save_locked(&lease, conn)
        });
        if lock::history("documents", &draft.id.to_string(), conn).unwrap().len() == 1 {
            return assert_eq!(row(draft.id, conn), Some(refused.unwrap()));
        }
        match refused.unwrap_err() {
            Error::LockLost(lost) => assert_eq!(lost.loss(), Loss::Stolen),
            // Where the snapshot does not let it find out, it is to be tried again.
            error => assert!(error.is_retryable(), "{error:?}"),
        }
        assert_eq!(lost(draft.clone().save_locked(&lease, conn).unwrap_err()).loss(), Loss::Stolen);
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn a_transaction_that_is_rolled_back_lets_go_of_its_proof(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        let draft = document("draft", conn);
        let mut lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let undone = transaction(conn, |conn| {
            titled(&draft, "ann's").save_locked(&lease, conn)?;
            Err::<(), _>(Error::NotInTransaction)
        });
        assert!(undone.is_err());
        lease.renew(other).unwrap();
        assert_eq!(row(draft.id, other), Some(draft.clone()));
        titled(&draft, "ann's").save_locked(&lease, other).unwrap();
        lease.release(other).unwrap();
        Lock::on("documents", draft.id.to_string()).owner("bob").acquire(conn).unwrap().release(conn).unwrap();
    }
}
