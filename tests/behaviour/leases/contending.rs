//! Many who want the same leases at once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use noclobber::Error;
use noclobber::lock::{self, Lock, LockFilter, Requested};

use super::{MINUTE, SOON, anns, create_tables, expire, granted, is_passing, seen};
use crate::support::{Barrier, on_every_shared_database};

const THREADS: usize = 8;

/// What the record was like before the race.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    Fresh,
    Released,
    Expired,
}

const ROUNDS: [Before; 18] = {
    use Before::{Expired, Fresh, Released};
    [
        Fresh, Released, Expired, Released, Fresh, Expired, Expired, Released, Released, //
        Fresh, Expired, Fresh, Released, Expired, Released, Fresh, Released, Expired,
    ]
};

on_every_shared_database! {
    fn one_of_many_gets_the_lease_whatever_it_was_before(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        anns().acquire(conn).unwrap().release(conn).unwrap();
        let barrier = Barrier::new(THREADS);
        // Nothing is asserted between the barriers: the others would wait for ever.
        let race = |thread: usize| -> Vec<Result<i64, Error>> {
            let conn = &mut database.connect();
            let round = |round: usize| {
                let before = ROUNDS[round];
                let record = if before == Before::Fresh { format!("fresh {round}") } else { "7".into() };
                let request = Lock::on("documents", record).owner(format!("thread {thread}"));
                if barrier.wait() && before == Before::Expired {
                    expire!(conn);
                }
                barrier.wait();
                let answer = request.acquire(conn);
                barrier.wait();
                let lease = answer?;
                let fence = lease.fence();
                // What comes next on this record decides whether it is given back.
                let next = ROUNDS[round + 1..].iter().find(|next| **next != Before::Fresh);
                if next != Some(&Before::Expired) {
                    lease.release(conn)?;
                }
                Ok(fence)
            };
            (0..ROUNDS.len()).map(round).collect()
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let race = &race;
            let threads: Vec<_> = (0..THREADS).map(|it| scope.spawn(move || race(it))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut last = 1;
        for (round, before) in ROUNDS.into_iter().enumerate() {
            let of_round = || answers.iter().map(|answers| &answers[round]);
            let winners: Vec<i64> = of_round().filter_map(|answer| answer.as_ref().ok().copied()).collect();
            assert_eq!(winners.len(), 1, "round {round}, {before:?}: {:#?}", of_round().collect::<Vec<_>>());
            for error in of_round().filter_map(|answer| answer.as_ref().err()) {
                assert!(matches!(error, Error::LockHeld(_)) || is_passing(error), "{before:?}: {error:?}");
            }
            if before == Before::Fresh {
                assert_eq!(winners, [1]);
            } else {
                assert_eq!(winners, [last + 1], "{before:?}");
                last += 1;
            }
        }
        assert_eq!(granted("7", conn), (1..=last).collect::<Vec<_>>());
    }

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

    fn those_who_are_refused_leave_nothing_behind_and_hinder_nobody(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let mut lease = anns().acquire(conn).unwrap();
        let done = AtomicBool::new(false);
        let refused: usize = thread::scope(|scope| {
            let storm: Vec<_> = (1..THREADS)
                .map(|thread| {
                    let done = &done;
                    scope.spawn(move || {
                        let conn = &mut database.connect();
                        let mut refused = 0;
                        while !done.load(Ordering::Relaxed) {
                            let request = Lock::on("documents", "7").owner(format!("thread {thread}"));
                            match request.acquire(conn) {
                                Err(Error::LockHeld(_)) => refused += 1,
                                answer => assert!(is_passing(&answer.unwrap_err())),
                            }
                        }
                        refused
                    })
                })
                .collect();
            let renewals: Vec<_> = (0..30)
                .map(|_| {
                    let started = Instant::now();
                    (lease.renew(conn), started.elapsed())
                })
                .collect();
            done.store(true, Ordering::Relaxed);
            let refused = storm.into_iter().map(|thread| thread.join().unwrap()).sum();
            for (renewal, took) in renewals {
                assert!(renewal.is_ok(), "{renewal:?}");
                assert!(took < SOON, "a renewal took {took:?}");
            }
            refused
        });
        assert!(refused > 0, "nobody was in the way");
        assert_eq!(seen(conn).unwrap().renewals(), 30);
        assert_eq!(lock::history("documents", "7", conn).unwrap().len(), 1);
        assert_eq!(lock::list(&LockFilter::default(), conn).unwrap().len(), 1);
        lease.release(conn).unwrap();
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
