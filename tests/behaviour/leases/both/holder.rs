//! A process that holds leases: this test binary, started once more.

use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::lock::{Acquire, Held, StoreLocked};
use noclobber::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Draft, InColumns, InTheTable, Kept, Storage, drafts};
use crate::support::place::Place;
use crate::support::process::{self, Process, answer};

/// Starts a holder, who does what it is told by [`Process::tell`]:
///
/// * `take <ms>`, `load`, `save <title>`, `overwrite <title>`, `release`: one step each;
/// * `count <seed>`: increments the title under leases, until it is told nothing more.
pub(super) fn start(name: &str, record: &Draft, kept: Kept, place: Place) -> Process {
    let task = Task { name: name.to_owned(), record: record.id, kept, place };
    let test = concat!(module_path!(), "::does_what_it_is_told");
    let mut process = Process::start(test, &task);
    assert_eq!(process.answer(), "ready");
    process
}

#[derive(Debug, Serialize, Deserialize)]
struct Task {
    name: String,
    record: i64,
    kept: Kept,
    place: Place,
}

/// The process itself. In an ordinary test run there is no task, and nothing to do.
#[test]
fn does_what_it_is_told() {
    let Some(task) = process::task::<Task>() else { return };
    match &task.place {
        Place::Sqlite(place) => work(&task, &mut place.connect()),
        #[cfg(feature = "postgres")]
        Place::Postgres(place) => work(&task, &mut place.connect()),
        #[cfg(feature = "mysql")]
        Place::Mysql(place) => work(&task, &mut place.connect()),
    }
}

fn work<C: StoreLocked<Draft> + Overwrite>(task: &Task, conn: &mut C) {
    match task.kept {
        Kept::InTheTable => hold::<InTheTable, C>(task, conn),
        Kept::InColumns => hold::<InColumns, C>(task, conn),
    }
}

/// A write as Diesel alone would do it: of all that was loaded, whatever is there by now.
macro_rules! overwrite {
    ($($connection:ty),*) => {$(
        impl Overwrite for $connection {
            fn overwrite(&mut self, draft: &Draft) {
                let all = (drafts::title.eq(&draft.title), drafts::version.eq(draft.version));
                diesel::update(drafts::table.find(draft.id)).set(all).execute(self).unwrap();
            }
        }
    )*};
}

trait Overwrite {
    fn overwrite(&mut self, draft: &Draft);
}

overwrite!(SqliteConnection);
#[cfg(feature = "postgres")]
overwrite!(PgConnection);
#[cfg(feature = "mysql")]
overwrite!(MysqlConnection);

fn hold<S: Storage<C>, C: StoreLocked<Draft> + Overwrite>(task: &Task, conn: &mut C) {
    answer("ready");
    let mut told = process::told();
    let mut lease: Option<S::Lease> = None;
    let mut draft: Option<Draft> = None;
    while let Some(line) = told.next() {
        let (step, what) = line.split_once(' ').unwrap_or((&line, ""));
        match step {
            "take" => {
                let found = Draft::find(task.record, conn).unwrap();
                let ttl = Duration::from_millis(what.parse().unwrap());
                let taken = S::request(&found, &task.name, ttl).acquire(conn).unwrap();
                answer(&format!("fence {}", taken.fence()));
                lease = Some(taken);
            }
            "load" => {
                let found = Draft::find(task.record, conn).unwrap();
                answer(&found.title);
                draft = Some(found);
            }
            "save" => {
                let lease = lease.as_ref().unwrap();
                let trusted = lease.is_trusted();
                let renamed = draft.as_ref().unwrap().renamed(what);
                answer(&match renamed.save_locked(lease, conn) {
                    Ok(saved) => format!("saved as version {}", saved.version),
                    Err(noclobber::Error::LockLost(lost)) => {
                        assert!(!trusted, "trusted a lease that was lost by time");
                        format!("lost: {:?}", (lost.loss(), lost.by()))
                    }
                    Err(error) => format!("{error:?}"),
                });
            }
            "overwrite" => {
                conn.overwrite(&draft.as_ref().unwrap().renamed(what));
                answer("overwritten");
            }
            "release" => answer(&format!("{:?}", lease.take().unwrap().release(conn).is_ok())),
            "count" => {
                let seed = what.parse().unwrap();
                // The end of what it is told is the end of the count.
                drop(told);
                let listening = thread::spawn(|| process::told().for_each(drop));
                return count::<S, C>(task, seed, conn, || !listening.is_finished());
            }
            other => panic!("{other}"),
        }
    }
}

/// Increments the number in the title, again and again, and answers each acknowledgement.
fn count<S: Storage<C>, C: StoreLocked<Draft>>(
    task: &Task,
    seed: u64,
    conn: &mut C,
    goes_on: impl Fn() -> bool,
) {
    const TTL: Duration = Duration::from_millis(60);
    let mut random = fastrand::Rng::with_seed(seed);
    while goes_on() {
        let found = Draft::find(task.record, conn).unwrap();
        let request = S::request(&found, &task.name, TTL);
        let Ok(lease) = request.acquire_within(Duration::from_millis(500), &mut *conn) else {
            continue;
        };
        let loaded = Draft::find(task.record, conn).unwrap();
        // Once in a while longer than the lease lasts.
        let longest = if random.u8(..5) == 0 { 120 } else { 10 };
        thread::sleep(Duration::from_millis(random.u64(..longest)));
        let next = loaded.title.parse::<u64>().unwrap() + 1;
        match loaded.renamed(&next.to_string()).save_locked(&lease, conn) {
            Ok(saved) => answer(&format!("{} under {}", saved.title, lease.fence())),
            Err(noclobber::Error::LockLost(_)) => continue,
            Err(error) => assert!(error.is_conflict() || error.is_retryable(), "{error:?}"),
        }
        if random.u8(..4) > 0 {
            match lease.release(conn) {
                Ok(()) | Err(noclobber::Error::LockLost(_)) => {}
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    }
}
