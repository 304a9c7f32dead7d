//! Threads of one process, which change the same rows at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use noclobber::prelude::*;
use noclobber::{Error, Store};

use super::database::on_every_copy;
use super::hot_row::{HotRow, think};
use super::ledger::{HotRows, Ledger};
use super::models::{Customer, Invoice, PlaylistTrack, Track};
use crate::support::Barrier;

const THREADS: usize = 4;

on_every_copy! {
    fn changes_of_many_threads_are_all_there_once(chinook) {
        const CHANGES: usize = 60;
        let conn = &mut chinook.connect();
        let before = HotRows::load(conn);
        let pool = chinook.pool(4);
        let tries = AtomicUsize::new(0);

        let mut acknowledged = Ledger::default();
        thread::scope(|scope| {
            let threads = [1, 2, 3, 4].map(|thread| {
                let (pool, tries) = (&pool, &tries);
                scope.spawn(move || {
                    let mut acknowledged = Ledger::default();
                    for change in 1..=CHANGES {
                        let marker = format!("[t{thread}-{change}]");
                        match change % 3 {
                            0 => modify::<Track, _>(&marker, pool, tries, &mut acknowledged),
                            1 => modify::<Customer, _>(&marker, pool, tries, &mut acknowledged),
                            _ => modify::<Invoice, _>(&marker, pool, tries, &mut acknowledged),
                        }
                    }
                    acknowledged
                })
            });
            for thread in threads {
                acknowledged.add(thread.join().unwrap());
            }
        });

        HotRows::load(conn).assert_changed_by(&acknowledged, &before);
        // Otherwise nothing was proved: nobody was in anybody's way, or nobody got anything done.
        assert!(tries.into_inner() > THREADS * CHANGES, "the threads never met");
        assert!(acknowledged.len() > THREADS * CHANGES / 2, "{} changes", acknowledged.len());
    }

    fn of_those_who_loaded_the_same_version_one_saves_it(chinook) {
        let connections = || [(); THREADS].map(|()| chinook.connect());
        one_of_each_round::<Track, Conn>(1, "track 1", connections());
        one_of_each_round::<Invoice, Conn>(1, "invoice 1", connections());
    }

    fn of_those_who_loaded_a_record_without_other_columns_one_saves_it(chinook) {
        let connections = [(); THREADS].map(|()| chinook.connect());
        let record = "playlist_track 1,3402";
        one_of_each_round::<PlaylistTrack, Conn>((1, 3402), record, connections);
    }
}

/// Makes one change, and notes it when it is acknowledged. A change that gives up in the crowd is
/// not: it must not be in the row either.
fn modify<M: HotRow, C: Store<M> + R2D2Connection + 'static>(
    marker: &str,
    pool: &Pool<ConnectionManager<C>>,
    tries: &AtomicUsize,
    acknowledged: &mut Ledger,
) {
    let answer = M::modify(M::KEY, pool, |row| {
        tries.fetch_add(1, Ordering::Relaxed);
        row.change(marker);
        think();
    });
    match answer {
        Ok(row) => {
            assert!(row.text().ends_with(marker), "the answer is another row: {row:?}");
            acknowledged.note(M::TABLE, marker);
        }
        Err(error) => assert!(error.is_conflict() || error.is_retryable(), "{error}"),
    }
}

/// In each round all threads load the record, and then all of them save it, once.
fn one_of_each_round<M, C>(key: M::Key, record: &str, connections: [C; THREADS])
where
    M: Versioned<Version = i64>,
    C: Store<M> + Send,
{
    const ROUNDS: usize = 20;
    let barrier = Barrier::new(THREADS);
    let in_rounds = |mut conn: C| -> Vec<Result<i64, Error>> {
        let round = |_| {
            barrier.wait();
            let loaded = M::find(key.clone(), &mut conn);
            // Nobody leaves the rounds early: the others would wait at the barrier for ever.
            barrier.wait();
            Ok(*loaded?.save(&mut conn)?.version())
        };
        (0..ROUNDS).map(round).collect()
    };
    let threads: Vec<_> = thread::scope(|scope| {
        let threads = connections.map(|conn| scope.spawn(|| in_rounds(conn)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    for round in 0..ROUNDS {
        let (expected, next) = (round + 1, round + 2);
        let answers: Vec<String> =
            threads.iter().map(|answers| describe(&answers[round])).collect();
        let refused = format!(
            "{record} was changed by somebody else: expected version {expected}, found version {next}"
        );
        let saved = format!("saved as version {next}");
        assert_eq!(answers.iter().filter(|answer| **answer == saved).count(), 1, "{answers:#?}");
        let refused = answers.iter().filter(|answer| **answer == refused).count();
        assert_eq!(refused, THREADS - 1, "{answers:#?}");
    }
}

fn describe(answer: &Result<i64, Error>) -> String {
    match answer {
        Ok(version) => format!("saved as version {version}"),
        Err(error) => error.to_string(),
    }
}
