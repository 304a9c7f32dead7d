//! A process that holds leases: this test binary, started once more.

use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::Lease;
use noclobber::lock::{LockStore, StoreLocked};
use noclobber::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::place::Place;
use crate::support::process::{self, Process, answer};
use crate::support::{Document, documents};

/// Starts a holder, who does what it is told by [`Process::tell`]:
///
/// * `take <ms>`, `load`, `save <title>`, `overwrite <title>`, `release`: one step each;
/// * `count <seed>`: increments the title under leases, until it is told nothing more.
pub(super) fn start(name: &str, record: i64, place: Place) -> Process {
    let task = Task { name: name.to_owned(), record, place };
    let test = concat!(module_path!(), "::does_what_it_is_told");
    let mut process = Process::start(test, &task);
    assert_eq!(process.answer(), "ready");
    process
}

#[derive(Debug, Serialize, Deserialize)]
struct Task {
    name: String,
    record: i64,
    place: Place,
}

/// The process itself. In an ordinary test run there is no task, and nothing to do.
#[test]
fn does_what_it_is_told() {
    let Some(task) = process::task::<Task>() else { return };
    match &task.place {
        Place::Sqlite(place) => hold(&task, &mut place.connect(), overwrite),
        #[cfg(feature = "postgres")]
        Place::Postgres(place) => hold(&task, &mut place.connect(), overwrite),
        #[cfg(feature = "mysql")]
        Place::Mysql(place) => hold(&task, &mut place.connect(), overwrite),
    }
}

/// A write as Diesel alone would do it: of all that was loaded, whatever is there by now.
macro_rules! overwrite {
    ($($connection:ty),*) => {$(
        impl Overwrite for $connection {
            fn overwrite(&mut self, document: &Document) {
                diesel::update(documents::table.find(document.id)).set(document).execute(self).unwrap();
            }
        }
    )*};
}

trait Overwrite {
    fn overwrite(&mut self, document: &Document);
}

overwrite!(SqliteConnection);
#[cfg(feature = "postgres")]
overwrite!(PgConnection);
#[cfg(feature = "mysql")]
overwrite!(MysqlConnection);

fn overwrite<C: Overwrite>(document: &Document, conn: &mut C) {
    conn.overwrite(document);
}

fn hold<C: StoreLocked<Document> + LockStore>(
    task: &Task,
    conn: &mut C,
    overwrite: impl Fn(&Document, &mut C),
) {
    answer("ready");
    let mut told = process::told();
    let mut lease: Option<Lease> = None;
    let mut document: Option<Document> = None;
    while let Some(line) = told.next() {
        let (step, what) = line.split_once(' ').unwrap_or((&line, ""));
        let loaded = |title: &str, document: &Option<Document>| Document {
            title: title.to_owned(),
            ..document.clone().unwrap()
        };
        match step {
            "take" => {
                let found = Document::find(task.record, conn).unwrap();
                let ttl = Duration::from_millis(what.parse().unwrap());
                let taken = found.lock().owner(&task.name).ttl(ttl).acquire(conn).unwrap();
                answer(&format!("fence {}", taken.fence()));
                lease = Some(taken);
            }
            "load" => {
                let found = Document::find(task.record, conn).unwrap();
                answer(&found.title);
                document = Some(found);
            }
            "save" => {
                let trusted = lease.as_ref().unwrap().is_trusted();
                let saved = loaded(what, &document).save_locked(lease.as_ref().unwrap(), conn);
                answer(&match saved {
                    Ok(saved) => format!("saved as version {}", saved.version),
                    Err(noclobber::Error::LockLost(lost)) => {
                        assert!(!trusted, "trusted a lease that was lost by time");
                        assert!(lost.at().is_some());
                        format!("{} by {}", lost.loss(), lost.by().unwrap())
                    }
                    Err(error) => format!("{error:?}"),
                });
            }
            "overwrite" => {
                overwrite(&loaded(what, &document), conn);
                answer("overwritten");
            }
            "release" => answer(&format!("{:?}", lease.take().unwrap().release(conn).is_ok())),
            "count" => {
                let seed = what.parse().unwrap();
                // The end of what it is told is the end of the count.
                drop(told);
                let listening = thread::spawn(|| process::told().for_each(drop));
                return count(task, seed, conn, || !listening.is_finished());
            }
            other => panic!("{other}"),
        }
    }
}

/// Increments the number in the title, again and again, and answers each acknowledgement.
fn count<C: StoreLocked<Document> + LockStore>(
    task: &Task,
    seed: u64,
    conn: &mut C,
    goes_on: impl Fn() -> bool,
) {
    const TTL: Duration = Duration::from_millis(60);
    let mut random = fastrand::Rng::with_seed(seed);
    while goes_on() {
        let found = Document::find(task.record, conn).unwrap();
        let request = found.lock().owner(&task.name).ttl(TTL);
        let Ok(lease) = request.acquire_within(Duration::from_millis(500), &mut *conn) else {
            continue;
        };
        let loaded = Document::find(task.record, conn).unwrap();
        // Once in a while longer than the lease lasts.
        let longest = if random.u8(..5) == 0 { 120 } else { 10 };
        thread::sleep(Duration::from_millis(random.u64(..longest)));
        let title = (loaded.title.parse::<u64>().unwrap() + 1).to_string();
        match (Document { title, ..loaded }).save_locked(&lease, conn) {
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
