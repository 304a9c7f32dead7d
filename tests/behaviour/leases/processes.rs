//! Holders that are processes of their own: killed and paused in the midst of their leases.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use noclobber::lock::{self, EventKind, StoreLocked};
use noclobber::prelude::*;

use super::holder;
use super::{MINUTE, create_tables, granted, happened, held, wait_until};
use crate::support::place::Place;
use crate::support::process::Process;
use crate::support::{Document, on_every_shared_database};

/// Long enough for another one to ask while it lasts, and short enough to be waited for.
const TTL: Duration = Duration::from_secs(1);

on_every_shared_database! {
    fn the_lease_of_a_killed_holder_is_held_until_it_expires(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let draft = document("draft", conn);
        let mut holder = holder::start("ann", draft.id, database.place());
        assert_eq!(holder.asks(&format!("take {}", TTL.as_millis())), "fence 1");
        let record = draft.id.to_string();
        let theirs = lock::inspect("documents", &record, conn).unwrap().unwrap();
        holder.kill();
        let bobs = draft.lock().owner("bob");
        match bobs.acquire(conn) {
            Err(refused) => assert_eq!(held(refused).info().owner(), "ann"),
            // On a machine that has slept meanwhile.
            Ok(lease) => return assert!(lease.info().acquired_at() >= theirs.expires_at()),
        }
        let lease = bobs.acquire_within(MINUTE, &mut *conn).unwrap();
        assert!(lease.info().acquired_at() >= theirs.expires_at());
        assert!(lease.fence() > theirs.fence());
        assert_eq!(happened(&record, conn), [EventKind::Acquired, EventKind::Expired, EventKind::Acquired]);
    }

    /// Neither what another one wrote, nor when its copy is still current: it is not its turn any more.
    fn a_zombie_that_proves_its_lease_overwrites_nothing(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        for (writes, expected) in [(true, ("bob's", 2)), (false, ("draft", 1))] {
            let draft = document("draft", conn);
            let mut zombie = sleeps_while_another_holds(&draft, writes, database.place(), conn);
            let answer = zombie.asks("save zombie's");
            assert_eq!(answer, "it had expired and somebody else took it by bob", "{expected:?}");
            let now = Document::find(draft.id, conn).unwrap();
            assert_eq!((now.title.as_str(), now.version), expected);
            assert_eq!(zombie.asks("release"), "false");
            zombie.finish();
        }
    }

    /// The same schedule loses what bob wrote when nothing is proven: it is one that bites.
    fn a_zombie_that_proves_nothing_overwrites_what_another_wrote(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        for round in 0..2 {
            let draft = document("draft", conn);
            let mut zombie = sleeps_while_another_holds(&draft, true, database.place(), conn);
            assert_eq!(zombie.asks("overwrite zombie's"), "overwritten");
            let now = Document::find(draft.id, conn).unwrap();
            assert_eq!((now.title.as_str(), now.version), ("zombie's", 1), "round {round}");
            zombie.finish();
        }
    }

    /// Whoever counts is paused and killed at random.
    fn no_increment_under_a_lease_is_lost(database) {
        const COUNTERS: u64 = 3;
        let conn = &mut database.connect();
        create_tables!(conn);
        let counter = document("0", conn);
        let place = || database.place();
        let mut number = 0;
        let mut start = || {
            number += 1;
            let mut counting = holder::start(&format!("counter {number}"), counter.id, place());
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
            Document::find(counter.id, conn).unwrap().title.parse::<usize>().unwrap() >= 30
        });
        for counting in counters {
            answers.extend(counting.finish());
        }
        assert!(started.elapsed() < MINUTE, "{:?}", started.elapsed());

        let last = Document::find(counter.id, conn).unwrap();
        let count: usize = last.title.parse().unwrap();
        let acknowledged: BTreeSet<&str> =
            answers.iter().map(|answer| answer.split_once(" under ").unwrap().0).collect();
        assert_eq!(acknowledged.len(), answers.len(), "a number was acknowledged twice");
        assert!(count >= answers.len() && count <= answers.len() + killed, "{count}: {answers:?}");
        assert_eq!(last.version, i64::try_from(count).unwrap() + 1);

        let fences = granted(&counter.id.to_string(), conn);
        assert!(fences.is_sorted_by(|one, next| one < next), "{fences:?}");
        let under: BTreeSet<i64> = answers
            .iter()
            .map(|answer| answer.split_once(" under ").unwrap().1.parse().unwrap())
            .collect();
        assert!(under.iter().all(|fence| fences.contains(fence)));
    }
}

/// A zombie: it has taken a lease, loaded the record, and is paused until its lease is over and another
/// one has taken it, has written if it does, and has given it back.
fn sleeps_while_another_holds<C>(
    draft: &Document,
    writes: bool,
    place: Place,
    conn: &mut C,
) -> Process
where
    C: StoreLocked<Document>,
{
    let mut zombie = holder::start("zombie", draft.id, place);
    assert_eq!(zombie.asks("take 150"), "fence 1");
    assert_eq!(zombie.asks("load"), "draft");
    zombie.pause();
    let lease = draft.lock().owner("bob").acquire_within(MINUTE, &mut *conn).unwrap();
    assert_eq!(lease.fence(), 2);
    let loaded = Document::find(draft.id, conn).unwrap();
    if writes {
        Document { title: "bob's".into(), ..loaded }.save_locked(&lease, conn).unwrap();
    }
    lease.release(conn).unwrap();
    zombie.resume();
    zombie
}
