//! Many who want the same leases at once: what is particular about the table. The rest is in
//! [`both`](super::both).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use noclobber::Error;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use noclobber::error::Reason;
use noclobber::lock::{self, Lock, LockFilter, Requested};

use super::{MINUTE, create_tables, is_passing};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::{anns, expire};
use crate::support::{Barrier, on_every_shared_database};

on_every_shared_database! {
    /// Not even when what is over is forgotten all the time.
    fn no_fence_is_given_twice(database) {
        create_tables!(&mut database.connect());
        let (granted, done) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                let conn = &mut database.connect();
                while !done.load(Ordering::Relaxed) {
                    if let Err(error) = lock::purge(Duration::ZERO, conn) {
                        assert!(is_passing(&error), "{error:?}");
                    }
                }
            });
            let holders: Vec<_> = (0..4)
                .map(|thread| {
                    let granted = &granted;
                    scope.spawn(move || {
                        let conn = &mut database.connect();
                        for _ in 0..12 {
                            let request = Lock::on("documents", "7").owner(format!("thread {thread}"));
                            let lease = request.acquire_within(MINUTE, &mut *conn).unwrap();
                            granted.lock().unwrap().push(lease.fence());
                            lease.release(conn).unwrap();
                        }
                    })
                })
                .collect();
            let ends: Vec<_> = holders.into_iter().map(ScopedJoinHandle::join).collect();
            done.store(true, Ordering::Relaxed);
            assert!(ends.iter().all(Result::is_ok));
        });
        let granted = granted.into_inner().unwrap();
        assert_eq!(granted.len(), 48);
        assert!(granted.is_sorted_by(|one, next| one < next), "{granted:?}");
    }

    /// Each wants some of the same records, in an order of its own. In every round they are records that
    /// nobody has locked before, and later on they are not.
    fn those_who_want_several_never_wait_for_each_other_in_a_circle(database) {
        const RECORDS: usize = 5;
        const ROUNDS: usize = 12;
        let conn = &mut database.connect();
        create_tables!(conn);
        let barrier = Barrier::new(6);
        let want = |thread: u64| -> Vec<Error> {
            let conn = &mut database.connect();
            let mut random = fastrand::Rng::with_seed(thread);
            let mut errors = Vec::new();
            for round in 0..ROUNDS {
                barrier.wait();
                for _ in 0..2 {
                    let mut records: Vec<usize> = (0..RECORDS).collect();
                    random.shuffle(&mut records);
                    let on = |record: &usize| {
                        Lock::on("seats", format!("{round} {record}")).owner(format!("thread {thread}"))
                    };
                    let requests: Vec<_> = records[..3].iter().map(on).collect();
                    let requests: Vec<_> =
                        requests.iter().map(|request| request as &dyn Requested<Conn>).collect();
                    let answer = lock::acquire_all(&requests, conn)
                        .and_then(|leases| lock::release_all(leases, conn));
                    errors.extend(answer.err());
                }
            }
            errors
        };
        let errors: Vec<Error> = thread::scope(|scope| {
            let want = &want;
            let threads: Vec<_> = (0..6).map(|it| scope.spawn(move || want(it))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let mut others = BTreeMap::new();
        for error in &errors {
            if !matches!(error, Error::LockHeld(_)) {
                *others.entry(error.to_string()).or_insert(0) += 1;
            }
        }
        assert!(others.is_empty(), "{others:#?}");
        assert!(lock::list(&LockFilter::default().with_expired(), conn).unwrap().is_empty());
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
crate::support::on_shared_servers! {
    /// For the reason that [`row_locks`](crate::row_locks) tests.
    fn a_purge_that_was_refused_can_be_tried_again(database) {
        let (conn, other) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        let _forgotten = anns().acquire(conn).unwrap();
        expire!(conn);
        run("BEGIN; SELECT fence FROM locks FOR UPDATE", other);
        run(SHORT_LOCK_WAIT, conn);
        for _ in 0..2 {
            let refused = lock::purge(Duration::ZERO, conn).unwrap_err();
            assert!(
                matches!(&refused, Error::Unavailable(it) if it.reason() == Reason::LockTimeout),
                "{refused:?}"
            );
        }
        run("ROLLBACK", other);
        assert_eq!(lock::purge(Duration::ZERO, conn).unwrap(), 1);
    }
}
