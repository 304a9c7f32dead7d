//! Many who want the same lease at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use noclobber::Error;
use noclobber::lock::EventKind;

use super::{draft, first_draft, on_both_shared_storages, run_out, stored};
use crate::leases::{SOON, is_passing};
use crate::support::Barrier;

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

on_both_shared_storages! {
    fn one_of_many_gets_the_lease_whatever_it_was_before(database) {
        let conn = &mut database.connect();
        let draft = first_draft!(conn);
        let fresh = ROUNDS.map(|_| draft!("fresh", conn));
        ask(&draft).owner("ann").acquire(conn).unwrap().release(conn).unwrap();
        let barrier = Barrier::new(THREADS);
        // Nothing is asserted between the barriers: the others would wait for ever.
        let race = |thread: usize| -> Vec<Result<i64, Error>> {
            let conn = &mut database.connect();
            let round = |round: usize| {
                let before = ROUNDS[round];
                let record = if before == Before::Fresh { &fresh[round] } else { &draft };
                let request = ask(record).owner(format!("thread {thread}"));
                if barrier.wait() && before == Before::Expired {
                    run_out!(conn);
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
        if let Some(history) = history(&draft, conn) {
            let grants = history.into_iter().filter(|(kind, _)| *kind == EventKind::Acquired);
            assert!(grants.map(|(_, fence)| fence).eq(1..=last));
        }
    }

    fn those_who_are_refused_leave_nothing_behind_and_hinder_nobody(database) {
        let conn = &mut database.connect();
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let done = AtomicBool::new(false);
        let refused: usize = thread::scope(|scope| {
            let storm: Vec<_> = (1..THREADS)
                .map(|thread| {
                    let (done, draft) = (&done, &draft);
                    scope.spawn(move || {
                        let conn = &mut database.connect();
                        let mut refused = 0;
                        while !done.load(Ordering::Relaxed) {
                            match ask(draft).owner(format!("thread {thread}")).acquire(conn) {
                                Err(Error::LockHeld(_)) => refused += 1,
                                answer => assert!(is_passing(&answer.map(drop).unwrap_err())),
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
        let now = inspect(&draft, conn).unwrap();
        assert_eq!((now.owner(), now.fence()), ("ann", 1));
        assert_eq!(now.expires_at(), lease.info().expires_at());
        if let Some(history) = history(&draft, conn) {
            assert_eq!(history, [(EventKind::Acquired, 1)]);
        }
        assert_eq!(stored!(draft, conn), Some(draft.clone()));
        lease.release(conn).unwrap();
    }
}
