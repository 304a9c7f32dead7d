//! A writer that is killed in the middle of a save.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::Store;
use noclobber::prelude::*;

#[cfg(feature = "mysql")]
use crate::support::mysql;
#[cfg(feature = "postgres")]
use crate::support::postgres;
use crate::support::{Document, on_every_shared_database, sqlite};

/// Where the writer works, and which record it saves.
const URL: &str = "NOCLOBBER_TEST_KILLED_WRITER";
const RECORD: &str = "NOCLOBBER_TEST_KILLED_WRITERS_RECORD";

/// Saves until it is killed, in the process of a test that has this for its only work. Without the
/// variables there is nothing to do.
fn write_until_killed<C: Store<Document>>(connect: impl Fn(&str) -> C) {
    let (Ok(url), Ok(record)) = (std::env::var(URL), std::env::var(RECORD)) else { return };
    let conn = &mut connect(&url);
    let mut current = Document::find(record.parse::<i64>().unwrap(), conn).unwrap();
    loop {
        let (title, body) = lines_of(current.version + 1);
        current = Document { title, body, ..current }.save(conn).unwrap();
        let mut answers = std::io::stdout().lock();
        writeln!(answers, "saved {}", current.version).unwrap();
        answers.flush().unwrap();
    }
}

/// Of a version. Long enough to go over several pages, so that a write can be cut in the middle.
fn lines_of(version: i64) -> (String, Option<String>) {
    (format!("{version:0>200}"), Some(format!("{version:0>40000}")))
}

// Not tests of their own: the processes that the test below starts and kills.

#[test]
fn sqlite_writer() {
    write_until_killed(sqlite::connect_by);
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_writer() {
    write_until_killed(postgres::connect_by);
}

#[cfg(feature = "mysql")]
#[test]
fn mysql_writer() {
    write_until_killed(mysql::connect_by);
}

on_every_shared_database! {
    fn it_leaves_the_row_whole(database) {
        let conn = &mut database.connect();
        for round in 0..6 {
            // Of its own, since a server may still be at the last statement of a killed client.
            let draft = document("draft", conn);
            let mut writer = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &format!("contending::killed::{NAME}_writer")])
                .args(["--nocapture", "--test-threads=1"])
                .env(URL, database.url())
                .env(RECORD, draft.id.to_string())
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

            assert_ne!(acknowledged, 0, "the writer never began");
            let left = row(draft.id, conn).unwrap();
            // What was acknowledged is there; at most the answer to one more was lost.
            assert!(left.version == acknowledged || left.version == acknowledged + 1);
            assert_eq!((left.title, left.body), lines_of(left.version));
            let integrity = diesel::dsl::sql::<diesel::sql_types::Text>(INTEGRITY);
            assert_eq!(diesel::select(integrity).get_result::<String>(conn).unwrap(), "ok");
        }
    }
}
