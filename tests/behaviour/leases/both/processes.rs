//! Holders that are processes of their own: killed and paused in the midst of their leases.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use noclobber::lock::{Acquire, EventKind, Held, StoreLocked};
use noclobber::prelude::*;

use super::{Draft, Kept, Storage, draft, first_draft, holder, on_both_shared_storages, stored};
use crate::leases::{MINUTE, held, wait_until};
use crate::support::place::Place;
use crate::support::process::Process;

/// Long enough for another one to ask while it lasts, and short enough to be waited for.
const TTL: Duration = Duration::from_secs(1);

on_both_shared_storages! {
    fn the_lease_of_a_killed_holder_is_held_until_it_expires(database) {
        let conn = &mut database.connect();
        let draft = first_draft!(conn);
        let mut holder = holder::start("ann", &draft, KEPT, database.place());
        assert_eq!(holder.asks(&format!("take {}", TTL.as_millis())), "fence 1");
        let theirs = inspect(&draft, conn).unwrap();
        holder.kill();
        let bobs = ask(&draft).owner("bob");
        match bobs.acquire(conn) {
            Err(refused) => assert_eq!(held(refused).info().owner(), "ann"),
            // On a machine that has slept meanwhile.
            Ok(lease) => return assert!(lease.info().acquired_at() >= theirs.expires_at()),
        }
        let lease = bobs.acquire_within(MINUTE, &mut *conn).unwrap();
        assert!(lease.info().acquired_at() >= theirs.expires_at());
        assert_eq!((theirs.fence(), lease.fence()), (1, 2));
        if let Some(history) = history(&draft, conn) {
            use EventKind::{Acquired, Expired};
            assert_eq!(history, [(Acquired, 1), (Expired, 1), (Acquired, 2)]);
        }
    }

    /// Neither what another one wrote, nor when its copy is still current: it is not its turn any more.
    fn a_zombie_that_proves_its_lease_overwrites_nothing(database) {
        let conn = &mut database.connect();
        first_draft!(conn);
        for (writes, expected) in [(true, ("bob's", 2)), (false, ("draft", 1))] {
            let draft = draft!("draft", conn);
            let place = database.place();
            let mut zombie =
                sleeps_while_another_holds::<Here, _>(&draft, writes, KEPT, place, conn);
            let answer = zombie.asks("save zombie's");
            assert_eq!(answer, format!("lost: {TAKEN_AND_LEFT:?}"), "{expected:?}");
            let now = stored!(draft, conn).unwrap();
            assert_eq!((now.title.as_str(), now.version), expected);
            assert_eq!(zombie.asks("release"), "false");
            zombie.finish();
        }
    }

    /// The same schedule loses what bob wrote when nothing is proven: it is one that bites.
    fn a_zombie_that_proves_nothing_overwrites_what_another_wrote(database) {
        let conn = &mut database.connect();
        first_draft!(conn);
        for round in 0..2 {
            let draft = draft!("draft", conn);
            let place = database.place();
            let mut zombie =
                sleeps_while_another_holds::<Here, _>(&draft, true, KEPT, place, conn);
            assert_eq!(zombie.asks("overwrite zombie's"), "overwritten");
            let now = stored!(draft, conn).unwrap();
            assert_eq!((now.title.as_str(), now.version), ("zombie's", 1), "round {round}");
            zombie.finish();
        }
    }

    /// Whoever counts is paused and killed at random.
    fn no_increment_under_a_lease_is_lost(database) {
        const COUNTERS: u64 = 3;
        let conn = &mut database.connect();
        first_draft!(conn);
        let counter = draft!("0", conn);
        let mut number = 0;
        let mut start = || {
            number += 1;
            let name = format!("counter {number}");
            let mut counting = holder::start(&name, &counter, KEPT, database.place());
            counting.tell(&format!("count {number}"));
            counting
        };
        let mut random = fastrand::Rng::with_seed(1);
        let mut counters: Vec<_> = (0..COUNTERS).map(|_| start()).collect();
        let mut answers = Vec::new();
        let mut killed = 0;
        let started = Instant::now();
        let mut paused: Option<usize> = None;
        for step in 0..30 {
            thread::sleep(Duration::from_millis(random.u64(10..100)));
            if let Some(last) = paused.take() {
                counters[last].resume();
            }
            let one = random.usize(..counters.len());
            if step % 10 == 9 {
                answers.extend(counters.swap_remove(one).kill());
                killed += 1;
                counters.push(start());
            } else {
                counters[one].pause();
                paused = Some(one);
            }
        }
        if let Some(last) = paused {
            counters[last].resume();
        }
        // At least so much has to be counted for anything to be shown.
        wait_until("they count", || {
            Draft::find(counter.id, conn).unwrap().title.parse::<usize>().unwrap() >= 30
        });
        for counting in counters {
            answers.extend(counting.finish());
        }
        assert!(started.elapsed() < MINUTE, "{:?}", started.elapsed());

        let last = stored!(counter, conn).unwrap();
        let count: usize = last.title.parse().unwrap();
        let acknowledged: BTreeMap<usize, i64> = answers
            .iter()
            .map(|answer| {
                let (number, fence) = answer.split_once(" under ").unwrap();
                (number.parse().unwrap(), fence.parse().unwrap())
            })
            .collect();
        assert_eq!(acknowledged.len(), answers.len(), "a number was acknowledged twice");
        assert!(count >= answers.len() && count <= answers.len() + killed, "{count}: {answers:?}");
        assert_eq!(last.version, i64::try_from(count).unwrap() + 1);

        // What was counted later was counted under a later lease.
        let under: Vec<i64> = acknowledged.into_values().collect();
        assert!(under.is_sorted_by(|one, next| one < next), "{under:?}");
        if let Some(history) = history(&counter, conn) {
            let grants = history.into_iter().filter(|(kind, _)| *kind == EventKind::Acquired);
            let fences: Vec<i64> = grants.map(|(_, fence)| fence).collect();
            assert!(fences.is_sorted_by(|one, next| one < next), "{fences:?}");
            assert!(under.iter().all(|fence| fences.contains(fence)));
        }
    }
}

/// A zombie: it has taken a lease, loaded the record, and is paused until its lease is over and another
/// one has taken it, has written if it does, and has given it back.
fn sleeps_while_another_holds<S: Storage<C>, C: StoreLocked<Draft>>(
    draft: &Draft,
    writes: bool,
    kept: Kept,
    place: Place,
    conn: &mut C,
) -> Process {
    let mut zombie = holder::start("zombie", draft, kept, place);
    assert_eq!(zombie.asks("take 150"), "fence 1");
    assert_eq!(zombie.asks("load"), "draft");
    zombie.pause();
    let lease = S::request(draft, "bob", MINUTE).acquire_within(MINUTE, &mut *conn).unwrap();
    assert_eq!(lease.fence(), 2);
    if writes {
        draft.renamed("bob's").save_locked(&lease, conn).unwrap();
    }
    lease.release(conn).unwrap();
    zombie.resume();
    zombie
}
