//! Many writers at once, in threads and in a process that is killed: nothing acknowledged is lost.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::backend::sqlite::ConnectionOptions;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};

use crate::support::sqlite::{document, row};
use crate::support::{Database, Document, Journal, documents};

const JOURNALS: [Journal; 2] = [Journal::Wal, Journal::Delete];

/// Enough for many threads on one row.
fn patient() -> Policy {
    Policy::default()
        .attempts(10_000)
        .deadline(Duration::from_secs(60))
        .pauses(Duration::from_micros(200), Duration::from_millis(20))
}

#[test]
fn of_eight_saves_of_one_version_exactly_one_is_acknowledged() {
    for journal in JOURNALS {
        let database = Database::file(journal);
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
            assert_eq!(of_round.clone().filter(|answer| answer.is_ok()).count(), 1, "{journal:?}");
            for error in of_round.filter_map(|answer| answer.as_ref().err()) {
                assert!(error.is_conflict(), "{error}");
            }
        }
        assert_eq!(row(draft.id, &mut database.connect()).unwrap().version, 21);
    }
}

#[test]
fn every_modification_of_eight_threads_is_there_exactly_once() {
    for journal in JOURNALS {
        let database = Database::file(journal);
        let pool = database.pool(4);
        let draft = document("", &mut database.connect());
        thread::scope(|scope| {
            for writer in 0..8 {
                let pool = &pool;
                scope.spawn(move || {
                    for change in 0..25 {
                        Document::try_modify(draft.id, pool, &patient(), |document| {
                            document.title.push_str(&format!("[{writer}-{change}]"));
                            Ok::<_, noclobber::Error>(())
                        })
                        .unwrap();
                    }
                });
            }
        });
        let last = row(draft.id, &mut database.connect()).unwrap();
        assert_eq!(last.version, 201, "{journal:?}");
        for (writer, change) in
            (0..8).flat_map(|writer| (0..25).map(move |change| (writer, change)))
        {
            assert_eq!(last.title.matches(&format!("[{writer}-{change}]")).count(), 1);
        }
    }
}

#[test]
fn increments_of_eight_threads_add_up_without_a_conflict() {
    let database = Database::file(Journal::Wal);
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

#[test]
fn money_that_moves_between_two_records_is_neither_made_nor_lost() {
    for journal in JOURNALS {
        let database = Database::file(journal);
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
                            let add = |id, amount: i64, conn: &mut SqliteConnection| {
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
        assert_eq!(total, 4000, "{journal:?}");
    }
}

const WORKER: &str = "NOCLOBBER_TEST_KILLED_WRITER";

/// Not a test of its own: the process that the next one starts and kills. Without the variable
/// that names its database there is nothing to do.
#[test]
fn a_writer_that_saves_until_it_is_killed() {
    let Ok(url) = std::env::var(WORKER) else { return };
    let conn = &mut SqliteConnection::establish(&url).unwrap();
    ConnectionOptions::default().write_ahead_log(false).apply(conn).unwrap();
    let mut current = Document::find(1, conn).unwrap();
    loop {
        // Long enough to go over several pages, so that a write can be cut in the middle.
        let title = format!("{:0>20000}", current.version + 1);
        current = Document { body: Some(title.clone()), title, ..current }.save(conn).unwrap();
        let mut answers = std::io::stdout().lock();
        writeln!(answers, "saved {}", current.version).unwrap();
        answers.flush().unwrap();
    }
}

#[test]
fn a_process_killed_in_mid_save_leaves_the_row_whole() {
    for journal in JOURNALS {
        let database = Database::file(journal);
        document("1", &mut database.connect());
        for round in 0..6 {
            let mut writer = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "contending::a_writer_that_saves_until_it_is_killed"])
                .args(["--nocapture", "--test-threads=1"])
                .env(WORKER, database.url())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
            let mut acknowledged = 0;
            for line in lines.map_while(Result::ok) {
                // What was already on its way when it was killed is still read.
                let Some(version) = line.strip_prefix("saved ") else { continue };
                let first = acknowledged == 0;
                acknowledged = version.parse().unwrap();
                if first {
                    thread::sleep(Duration::from_millis(20 + 7 * round));
                    writer.kill().unwrap();
                }
            }
            writer.wait().unwrap();

            let conn = &mut database.connect();
            let left = row(1, conn).unwrap();
            // What was acknowledged is there; at most the answer to one more was lost.
            assert!(left.version == acknowledged || left.version == acknowledged + 1);
            assert_eq!(left.title, format!("{:0>20000}", left.version));
            assert_eq!(left.body, Some(left.title));
            let check = diesel::dsl::sql::<diesel::sql_types::Text>(
                "(SELECT * FROM pragma_integrity_check)",
            );
            assert_eq!(diesel::select(check).get_result::<String>(conn).unwrap(), "ok");
        }
    }
}
