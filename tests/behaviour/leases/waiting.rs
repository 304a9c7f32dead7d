//! Waiting for a lease that somebody else has.

use std::thread;
use std::time::{Duration, Instant};

use noclobber::lock::{self, Lock, LockFilter};

use super::{MINUTE, SOON, anns, bobs, create_tables, held, seen, wait_until};
use crate::support::{Witness, on_every_shared_database};

const BRIEF: Duration = Duration::from_millis(400);

on_every_shared_database! {
    fn who_waits_gets_it_after_it_was_given_back(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let anns = anns().acquire(conn).unwrap();
        thread::scope(|scope| {
            let (mut waiting, witness) = {
                let mut waiting = database.connect();
                let witness = Witness::of(&mut waiting);
                (waiting, witness)
            };
            let bob = scope.spawn(move || {
                let lease = bobs().acquire_within(MINUTE, &mut waiting).unwrap();
                (lease.fence(), Instant::now())
            });
            // He has asked at least once.
            wait_until("he asks", || !witness.sent().is_empty());
            let fence = anns.fence();
            anns.release(conn).unwrap();
            let given_back = Instant::now();
            let (got, at) = bob.join().unwrap();
            assert_eq!(got, fence + 1);
            let after = at.saturating_duration_since(given_back);
            assert!(after < SOON, "{after:?} after the release");
        });
    }

    fn who_waits_gets_it_after_it_has_expired(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let anns = anns().ttl(BRIEF).acquire(conn).unwrap();
        let pool = database.pool(1);
        let started = Instant::now();
        let bobs = bobs().acquire_within(MINUTE, &pool).unwrap();
        assert!(started.elapsed() < BRIEF + SOON);
        assert!(bobs.info().acquired_at() >= anns.info().expires_at());
        assert_eq!(bobs.fence(), anns.fence() + 1);
    }

    fn who_waits_in_vain_is_told_by_whom_and_leaves_nothing_behind(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let mut lease = anns().note("typos").acquire(conn).unwrap();
        lease.renew(conn).unwrap();
        let (before, events) = (lease.info(), lock::history("documents", "7", conn).unwrap());
        let waiting = &mut database.connect();
        let witness = Witness::of(waiting);
        let started = Instant::now();
        let refused = held(bobs().acquire_within(BRIEF, &mut *waiting).unwrap_err());
        assert!(started.elapsed() < BRIEF + SOON, "{:?}", started.elapsed());
        assert_eq!((refused.info().owner(), refused.info().note()), ("ann", Some("typos")));
        let writes = |sql: &&String| !sql.starts_with("SELECT ");
        let sent = witness.sent();
        let asked = sent.iter().filter(|sql| sql.contains("FROM \"locks\"")).count();
        assert!(asked > 1, "he asked once");
        let written: Vec<_> = sent.iter().filter(writes).filter(|sql| sql.contains("lock")).collect();
        assert!(written.is_empty(), "{written:?}");

        let after = seen(conn).unwrap();
        let facts = |info: &lock::LockInfo| {
            (info.fence(), info.owner().to_owned(), info.renewals(), info.expires_at(), info.renewed_at())
        };
        assert_eq!(facts(&after), facts(&before));
        assert_eq!(lock::history("documents", "7", conn).unwrap(), events);
        assert_eq!(lock::list(&LockFilter::default().with_expired(), conn).unwrap().len(), 1);
        // Nor does it stand in the way of a holder who comes and goes.
        lease.release(conn).unwrap();
        Lock::on("documents", "7").owner("carol").acquire(conn).unwrap().release(conn).unwrap();
    }
}
