//! `ConnectionOptions`: what every connection to SQLite needs.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use noclobber::backend::sqlite::ConnectionOptions;

use crate::support::pool;

fn integer(pragma: &str, conn: &mut SqliteConnection) -> i64 {
    let sql = format!("(SELECT * FROM pragma_{pragma})");
    diesel::select(diesel::dsl::sql::<BigInt>(&sql)).get_result(conn).unwrap()
}

fn journal_mode(conn: &mut SqliteConnection) -> String {
    let sql = "(SELECT * FROM pragma_journal_mode)";
    diesel::select(diesel::dsl::sql::<Text>(sql)).get_result(conn).unwrap()
}

#[test]
fn every_connection_of_a_pool_gets_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("test.db").display().to_string();
    let pool = pool(&url, ConnectionOptions::default(), 3);
    let mut connections: Vec<_> = (0..3).map(|_| pool.get().unwrap()).collect();
    for conn in &mut connections {
        assert_eq!(integer("busy_timeout", conn), 5000);
        assert_eq!(integer("foreign_keys", conn), 1);
        assert_eq!(journal_mode(conn), "wal");
    }
}

#[test]
fn each_setting_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("test.db").display().to_string();
    let options = ConnectionOptions::default()
        .busy_timeout(Duration::from_millis(1234))
        .foreign_keys(false)
        .write_ahead_log(false);
    let conn = &mut SqliteConnection::establish(&url).unwrap();
    options.apply(conn).unwrap();
    assert_eq!(integer("busy_timeout", conn), 1234);
    assert_eq!(integer("foreign_keys", conn), 0);
    assert_eq!(journal_mode(conn), "delete");
}

#[test]
fn a_timeout_beyond_what_sqlite_counts_is_its_longest() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    ConnectionOptions::default().busy_timeout(Duration::MAX).apply(conn).unwrap();
    assert_eq!(integer("busy_timeout", conn), i64::from(i32::MAX));
}

#[test]
fn many_connections_can_open_a_new_file_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("test.db").display().to_string();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let conn = &mut SqliteConnection::establish(&url).unwrap();
                    ConnectionOptions::default().apply(conn).unwrap();
                    assert_eq!(journal_mode(conn), "wal");
                });
            }
        });
    }
}

#[test]
fn what_is_not_a_database_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    std::fs::write(&path, "this is a letter, not a database, and it goes on ".repeat(100)).unwrap();
    let conn = &mut SqliteConnection::establish(&path.display().to_string()).unwrap();
    let error = ConnectionOptions::default().apply(conn).unwrap_err();
    assert_eq!(error.to_string(), "file is not a database");
}
