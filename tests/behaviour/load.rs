//! `retry` and `modify` under load: many more threads than the pool has connections, on rows that many
//! want and on rows that nobody else wants.
//!
//! Every acknowledged change is there once, and who waits before another attempt keeps no connection
//! from the others.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use noclobber::Error;
use noclobber::error::Reason;
use noclobber::prelude::*;
use noclobber::retry::{Policy, Retry, Retryable, Source, retry};

use crate::support::{Document, on_every_shared_database, wait_until};

const THREADS: u64 = 64;
const CONNECTIONS: u32 = 8;
const CHANGES: u64 = 3;
const HOT_ROWS: usize = 2;

/// What a change of a row that many want takes, so that others come in between.
const WORK: Duration = Duration::from_millis(5);

const PAUSE: Duration = Duration::from_millis(700);

fn persistent() -> Policy {
    Policy::default()
        .attempts(1000)
        .deadline(Duration::from_secs(60))
        .pauses(PAUSE, PAUSE)
        .on_conflict()
}

/// An error of the host's: what passes by itself, and what noclobber says.
#[derive(Debug)]
enum Failure {
    Passing,
    Told(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Told(error)
    }
}

impl Retryable for Failure {
    fn retry(&self) -> Retry {
        match self {
            Failure::Passing => Retry::Restart,
            Failure::Told(error) => error.retry(),
        }
    }
}

/// A pool, how often it had no connection to give, and how long it did not have the last one back after a time
/// which is told.
struct Counted<'a, S> {
    pool: S,
    exhausted: &'a AtomicU32,
    ended: &'a Cell<Option<Instant>>,
    kept: &'a Cell<Option<Duration>>,
}

impl<S: Source> Source for Counted<'_, S> {
    type Conn = S::Conn;

    fn with<R>(&mut self, work: impl FnOnce(&mut S::Conn) -> R) -> noclobber::Result<R> {
        let answer = self.pool.with(work);
        self.kept.set(self.ended.take().map(|ended| ended.elapsed()));
        if let Err(Error::Unavailable(unavailable)) = &answer {
            assert_eq!(unavailable.reason(), Reason::PoolExhausted);
            self.exhausted.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

on_every_shared_database! {
    /// Each `retry` pauses twice at least.
    fn every_change_is_there_once_and_nobody_waits_for_a_connection_of_those_who_pause(database) {
        let conn = &mut database.connect();
        let hot: Vec<i64> = (0..HOT_ROWS).map(|_| document("hot", conn).id).collect();
        let cold: Vec<i64> = (0..THREADS).map(|_| document("cold", conn).id).collect();
        let pool = &database.pool(CONNECTIONS);
        let (exhausted, refused) = (&AtomicU32::new(0), &AtomicU32::new(0));
        let all_kept = &Mutex::new(Vec::new());
        let change = |thread: u64, cold: i64| -> Vec<(i64, String)> {
            let mut random = fastrand::Rng::with_seed(thread);
            let mut acknowledged = Vec::new();
            // Not all at the same moment: the queue would be one for the disk.
            thread::sleep(PAUSE.mul_f64(random.f64()));
            for change in 0..CHANGES {
                let id = if random.bool() { hot[random.usize(..hot.len())] } else { cold };
                let mark = format!("[{thread}.{change}]");
                let append = |document: Document| {
                    if hot.contains(&id) {
                        thread::sleep(WORK);
                    }
                    Document { body: Some(document.body.unwrap_or_default() + &mark), ..document }
                };
                let (ended, kept) = (&Cell::new(None), &Cell::new(None));
                let source = Counted { pool, exhausted, ended, kept };
                // What the attempt before this one kept, which has been tried again by now.
                let again = || all_kept.lock().unwrap().extend(kept.take());
                let mut attempts = 0;
                let (saved, allowed) = if random.bool() {
                    let saved = Document::try_modify(id, source, &persistent(), |document| {
                        again();
                        attempts += 1;
                        *document = append(document.clone());
                        ended.set(Some(Instant::now()));
                        Ok::<_, Failure>(())
                    });
                    (saved, 1)
                } else {
                    let saved = retry(source, &persistent(), |conn| {
                        again();
                        attempts += 1;
                        let saved = append(Document::find(id, conn)?).save(conn)?;
                        if attempts > 2 {
                            return Ok(saved);
                        }
                        ended.set(Some(Instant::now()));
                        // What was written by then is taken back.
                        Err(Failure::Passing)
                    });
                    (saved, 3)
                };
                refused.fetch_add(u32::from(attempts > allowed), Ordering::Relaxed);
                assert_eq!(saved.unwrap().id, id);
                acknowledged.push((id, mark));
            }
            acknowledged
        };
        let acknowledged: Vec<(i64, String)> = thread::scope(|scope| {
            let change = &change;
            let threads: Vec<_> = (0..THREADS)
                .zip(&cold)
                .map(|(thread, cold)| scope.spawn(move || change(thread, *cold)))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });

        assert_eq!(exhausted.load(Ordering::Relaxed), 0, "the pool had no connection to give");
        // On average a pause is half of the longest. A machine that stands still now and then adds less.
        let kept = all_kept.lock().unwrap();
        let pauses = PAUSE / 2 * u32::try_from(kept.len()).unwrap();
        assert!(!kept.is_empty() && kept.iter().sum::<Duration>() < pauses / 2, "{kept:?}");
        let mut of_rows: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (id, mark) in acknowledged {
            of_rows.entry(id).or_default().push(mark);
        }
        for id in hot.into_iter().chain(cold) {
            let marks = of_rows.remove(&id).unwrap_or_default();
            let last = row(id, conn).unwrap();
            let body = last.body.unwrap();
            assert_eq!(usize::try_from(last.version - 1), Ok(marks.len()), "{body}");
            assert_eq!(body.matches('[').count(), marks.len(), "{body}");
            for mark in marks {
                assert_eq!(body.matches(&mark).count(), 1, "{mark} in {body}");
            }
        }
        assert_ne!(refused.load(Ordering::Relaxed), 0, "there was no contention");
    }

    /// Nobody of sixteen is done, everybody has made an attempt, and both connections are in the pool.
    fn more_can_pause_than_there_are_connections_and_the_next_one_gets_one_at_once(database) {
        const PAUSING: usize = 16;
        let conn = &mut database.connect();
        let ids: Vec<i64> = (0..PAUSING).map(|_| document("draft", conn).id).collect();
        let another = document("another", conn);
        let pool = &database.pool(2);
        let other = &Mutex::new(database.connect());
        let (begun, may_end) = (&AtomicUsize::new(0), &AtomicBool::new(false));
        let policy = &persistent().deadline(Duration::from_secs(180)).escalate_after(u32::MAX);
        let change = |id: i64, by_modify: bool| {
            let mut first = true;
            let mut begin = || begun.fetch_add(usize::from(std::mem::take(&mut first)), Ordering::Relaxed);
            if by_modify {
                return Document::try_modify(id, pool, policy, |document| {
                    begin();
                    if !may_end.load(Ordering::Relaxed) {
                        let other = &mut *other.lock().unwrap();
                        Document::find(id, other)?.touch(other)?;
                    }
                    document.title.push('!');
                    Ok::<_, Failure>(())
                });
            }
            retry(pool, policy, |conn| {
                begin();
                if !may_end.load(Ordering::Relaxed) {
                    return Err(Failure::Passing);
                }
                let draft = Document::find(id, conn)?;
                Ok(Document { title: "draft!".into(), ..draft }.save(conn)?)
            })
        };
        thread::scope(|scope| {
            let change = &change;
            let pausing: Vec<_> = ids
                .iter()
                .enumerate()
                .map(|(place, id)| scope.spawn(move || change(*id, place % 2 == 0)))
                .collect();
            wait_until("the first attempt of all", || begun.load(Ordering::Relaxed) == PAUSING);
            wait_until("all of them pause", || pool.state().idle_connections == 2);
            assert!(pausing.iter().all(|thread| !thread.is_finished()));
            let meanwhile = Document::try_modify(another.id, pool, &policy.clone().attempts(1), |it| {
                it.title = "meanwhile".into();
                Ok::<_, Failure>(())
            });
            assert_eq!(meanwhile.unwrap().version, 2);
            may_end.store(true, Ordering::Relaxed);
            for thread in pausing {
                assert_eq!(thread.join().unwrap().unwrap().title, "draft!");
            }
        });
    }
}
