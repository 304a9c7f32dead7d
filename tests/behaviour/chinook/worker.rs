//! A process of its own that changes the hot rows: this test binary, started once more.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use noclobber::operation::StoreChanges;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::hot_row::{HotRow, Writer, think};
use super::ledger::Ledger;
use super::models::{Customer, Invoice, Track};
use super::sqlite;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::support;

/// Holds the task of a worker. Without it this binary is an ordinary test run.
const TASK: &str = "NOCLOBBER_CHINOOK_TASK";

#[derive(Debug, Serialize, Deserialize)]
struct Task {
    name: String,
    manner: Manner,
    changes: usize,
    place: Place,
    report: PathBuf,
}

/// Where the database is that a worker changes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Place {
    Sqlite(sqlite::Place),
    #[cfg(feature = "postgres")]
    Postgres(support::postgres::Place),
    #[cfg(feature = "mysql")]
    Mysql(support::mysql::Place),
}

/// How a worker brings its changes into the database.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// Load, change, save; again on conflict, by a loop of its own.
    Save,
    /// `modify`.
    Modify,
    /// `find_at` the version that it was told, then `patch` of the changed columns; again on
    /// conflict, by a loop of its own.
    Patch,
    /// `retry` of a transaction.
    Retry,
}

/// A worker that is running, seen from the process that started it.
pub(crate) struct Worker {
    child: Child,
    report: PathBuf,
    // Held for its Drop.
    _folder: TempDir,
}

/// What a worker has told: a line for each change, written after its acknowledgement.
pub(crate) struct Report {
    pub(crate) acknowledged: Ledger,
    pub(crate) tries: usize,
}

impl Worker {
    /// Starts a worker, which waits for [`begin`](Self::begin) before its first change.
    pub(crate) fn start(name: &str, manner: Manner, changes: usize, place: Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report");
        let task = Task { name: name.to_owned(), manner, changes, place, report: report.clone() };
        let (_crate, module) = module_path!().split_once("::").unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("{module}::does_the_task_that_it_was_started_with")])
            .arg("--nocapture")
            .env(TASK, serde_json::to_string(&task).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut worker = Worker { child, report, _folder: folder };
        worker.wait_for_lines(1);
        worker
    }

    /// Lets the worker begin.
    pub(crate) fn begin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until the worker has told of so many changes.
    pub(crate) fn wait_for_changes(&mut self, changes: usize) {
        self.wait_for_lines(1 + changes);
    }

    fn wait_for_lines(&mut self, lines: usize) {
        let started = Instant::now();
        while whole_lines(&self.report).len() < lines {
            let ended = self.child.try_wait().unwrap().is_some();
            assert!(!ended, "a worker failed:\n{}", self.output());
            assert!(started.elapsed() < Duration::from_secs(60), "a worker does not get on");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for the end of its task.
    pub(crate) fn finish(mut self) -> Report {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                started.elapsed() < Duration::from_secs(180),
                "a worker does not come to its end"
            );
            thread::sleep(Duration::from_millis(1));
        };
        assert!(status.success(), "a worker failed:\n{}", self.output());
        read(&self.report)
    }

    /// What a worker that has ended said beside its report.
    fn output(&mut self) -> String {
        let mut output = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut output).unwrap();
        output
    }

    /// Ends it without a warning.
    pub(crate) fn kill(mut self) -> Report {
        self.child.kill().unwrap();
        assert!(!self.child.wait().unwrap().success(), "the worker was done before it was killed");
        read(&self.report)
    }
}

impl Drop for Worker {
    /// A test that fails leaves nobody behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(report: &Path) -> Report {
    let mut read = Report { acknowledged: Ledger::default(), tries: 0 };
    for line in whole_lines(report).iter().skip(1) {
        let [tries, table, marker] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        read.tries += tries.parse::<usize>().unwrap();
        read.acknowledged.note(table, marker);
    }
    read
}

/// The lines that are complete; a worker may be killed while it writes one.
fn whole_lines(report: &Path) -> Vec<String> {
    let text = fs::read_to_string(report).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// The worker itself. In an ordinary test run there is no task, and nothing to do.
#[test]
fn does_the_task_that_it_was_started_with() {
    let Some(task) = env::var_os(TASK) else { return };
    let task: Task = serde_json::from_str(task.to_str().unwrap()).unwrap();
    match &task.place {
        Place::Sqlite(place) => work(&task, &mut place.connect()),
        #[cfg(feature = "postgres")]
        Place::Postgres(place) => work(&task, &mut place.connect()),
        #[cfg(feature = "mysql")]
        Place::Mysql(place) => work(&task, &mut place.connect()),
    }
}

fn work<C: Writer>(task: &Task, conn: &mut C) {
    let mut report = File::create(&task.report).unwrap();
    report.write_all(b"ready\n").unwrap();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();

    for change in 1..=task.changes {
        let marker = format!("[{}-{change}]", task.name);
        let (table, tries) = match change % 3 {
            0 => make::<Track, C>(&marker, task.manner, conn),
            1 => make::<Customer, C>(&marker, task.manner, conn),
            _ => make::<Invoice, C>(&marker, task.manner, conn),
        }
        .unwrap();
        // Time to be killed between the answer of the database and the report of it.
        think();
        report.write_all(format!("{tries} {table} {marker}\n").as_bytes()).unwrap();
    }
}

/// Makes one change, however many tries it takes.
fn make<M: HotRow, C: StoreChanges<M, M::Changes>>(
    marker: &str,
    manner: Manner,
    conn: &mut C,
) -> noclobber::Result<(&'static str, usize)> {
    let policy = Policy::default()
        .attempts(10_000)
        .deadline(Duration::from_secs(60))
        .pauses(Duration::from_micros(500), Duration::from_millis(20))
        .on_conflict();
    let mut tries = 0;
    let change = |mut row: M| {
        row.change(marker);
        think();
        row
    };
    match manner {
        Manner::Save => loop {
            tries += 1;
            match change(M::find(M::KEY, conn)?).save(conn) {
                Err(error) if error.is_conflict() => continue,
                answer => break answer.map(drop),
            }
        },
        Manner::Modify => M::try_modify(M::KEY, &mut *conn, &policy, |row| {
            tries += 1;
            *row = change(row.clone());
            Ok::<(), noclobber::Error>(())
        })
        .map(drop),
        Manner::Patch => loop {
            tries += 1;
            let told = *M::find(M::KEY, conn)?.version();
            think();
            let patched = M::find_at(M::KEY, told, conn)
                .and_then(|row| M::patch(M::KEY, told, change(row).changes(), conn));
            match patched {
                Err(error) if error.is_conflict() => continue,
                answer => break answer.map(drop),
            }
        },
        Manner::Retry => retry(&mut *conn, &policy, |conn| {
            tries += 1;
            change(M::find(M::KEY, conn)?).save(conn).map(drop)
        }),
    }?;
    Ok((M::TABLE, tries))
}
