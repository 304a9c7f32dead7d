//! Many writers at once, in threads and in a process that is killed: nothing acknowledged is lost.

mod killed;

use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};

use crate::support::{Barrier, Document, documents, on_every_shared_database};

/// Enough for many threads on one row.
fn patient() -> Policy {
    Policy::default()
        .attempts(10_000)
        .deadline(Duration::from_secs(60))
        .pauses(Duration::from_micros(200), Duration::from_millis(20))
}

on_every_shared_database! {
    fn of_eight_saves_of_one_version_exactly_one_is_acknowledged(database) {
        let pool = database.pool(8);
        let draft = document("0", &mut database.connect());
        let (written, read) = (Barrier::new(8), Barrier::new(8));
        // Nothing is asserted between the barriers: the others would wait for ever.
        let save_twenty_times = |writer: usize| -> Vec<noclobber::Result<Document>> {
            let conn = &mut *pool.get().unwrap();
            let round = |round| {
                written.wait();
                let loaded = Document::find(draft.id, conn);
                read.wait();
                let title = format!("{round} by {writer}");
                Document { title, ..loaded? }.save(conn)
            };
            (0..20).map(round).collect()
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let work = &save_twenty_times;
            let writers: Vec<_> = (0..8).map(|writer| scope.spawn(move || work(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        for round in 0..20 {
            let of_round = answers.iter().map(|answers| &answers[round]);
            assert_eq!(of_round.clone().filter(|answer| answer.is_ok()).count(), 1);
            for error in of_round.filter_map(|answer| answer.as_ref().err()) {
                assert!(error.is_conflict(), "{error}");
            }
        }
        assert_eq!(row(draft.id, &mut database.connect()).unwrap().version, 21);
    }

    fn every_modification_of_eight_threads_is_there_exactly_once(database) {
        let pool = database.pool(4);
        let draft = document("draft", &mut database.connect());
        thread::scope(|scope| {
            for writer in 0..8 {
                let pool = &pool;
                scope.spawn(move || {
                    for change in 0..25 {
                        Document::try_modify(draft.id, pool, &patient(), |document| {
                            let body = document.body.get_or_insert_default();
                            body.push_str(&format!("[{writer}-{change}]"));
                            Ok::<_, noclobber::Error>(())
                        })
                        .unwrap();
                    }
                });
            }
        });
        let last = row(draft.id, &mut database.connect()).unwrap();
        assert_eq!(last.version, 201);
        let body = last.body.unwrap();
        for (writer, change) in
            (0..8).flat_map(|writer| (0..25).map(move |change| (writer, change)))
        {
            assert_eq!(body.matches(&format!("[{writer}-{change}]")).count(), 1);
        }
    }

    fn increments_of_eight_threads_add_up_without_a_conflict(database) {
        let pool = database.pool(8);
        let draft = document("draft", &mut database.connect());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let conn = &mut *pool.get().unwrap();
                    for _ in 0..50 {
                        Document::increment(draft.id, documents::views, 1, conn).unwrap();
                    }
                });
            }
        });
        assert_eq!(row(draft.id, &mut database.connect()), Some(Document { views: 400, ..draft }));
    }

    fn money_that_moves_between_two_records_is_neither_made_nor_lost(database) {
        let pool = database.pool(4);
        let conn = &mut database.connect();
        let accounts: Vec<i64> = (0..4).map(|_| document("1000", conn).id).collect();
        thread::scope(|scope| {
            for writer in 0..4 {
                let (pool, accounts) = (&pool, &accounts);
                scope.spawn(move || {
                    for transfer in 0..20 {
                        let from = accounts[(writer + transfer) % 4];
                        let to = accounts[(writer + transfer * 3 + 1) % 4];
                        if from == to {
                            continue;
                        }
                        let answer = retry(pool, &patient().on_conflict(), |conn| {
                            let add = |id, amount: i64, conn: &mut Conn| {
                                let account = Document::find(id, conn)?;
                                let balance: i64 = account.title.parse().unwrap();
                                let title = (balance + amount).to_string();
                                Document { title, ..account }.save(conn)
                            };
                            add(from, -7, conn)?;
                            add(to, 7, conn)
                        });
                        answer.unwrap();
                    }
                });
            }
        });
        let balances = documents::table.select(documents::title).load::<String>(conn).unwrap();
        let total: i64 = balances.iter().map(|balance| balance.parse::<i64>().unwrap()).sum();
        assert_eq!(total, 4000);
    }
}
