//! What the copies of Chinook have in common on all databases, and the tests that run on each.
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The tables of Chinook, by the names that the models know.
pub(crate) const TABLES: [&str; 11] = [
    "Album",
    "Artist",
    "Customer",
    "Employee",
    "Genre",
    "Invoice",
    "InvoiceLine",
    "MediaType",
    "Playlist",
    "PlaylistTrack",
    "Track",
];

/// The script that creates Chinook on a database; a line that says so when there is none.
pub(crate) fn script(name: &str) -> Option<String> {
    let path = folder().join(name);
    let Ok(script) = fs::read_to_string(&path) else {
        println!("skipped: there is no {}; see NOCLOBBER_CHINOOK", path.display());
        return None;
    };
    // A server's script goes to a database of a fixed name. A test has a place of its own.
    let goes_elsewhere = |line: &&str| {
        ["DROP DATABASE ", "CREATE DATABASE ", "USE ", "\\c "]
            .iter()
            .any(|beginning| line.starts_with(beginning))
    };
    let stays: Vec<&str> = script.lines().filter(|line| !goes_elsewhere(line)).collect();
    Some(stays.join("\n"))
}

fn folder() -> PathBuf {
    let folder = env::var_os("NOCLOBBER_CHINOOK")
        .map_or_else(|| Path::new("../shared/data/chinook").into(), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Tests on a copy of Chinook on every database, each from one body. Beside the copy, a body finds
/// what its database's module tells.
macro_rules! on_every_copy {
    ($($(#[$documentation:meta])* fn $name:ident($chinook:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            mod sqlite {
                #[allow(unused_imports, reason = "not every body needs what stands around it")]
                use super::super::*;
                #[allow(unused_imports, reason = "not every body needs what its database tells")]
                use $crate::chinook::sqlite::*;

                fn body($chinook: &Chinook) $body

                #[test]
                fn write_ahead_log() {
                    let Some(chinook) = Chinook::fresh(Journal::Wal) else { return };
                    body(&chinook);
                }

                #[test]
                fn rollback_journal() {
                    let Some(chinook) = Chinook::fresh(Journal::Delete) else { return };
                    body(&chinook);
                }
            }
            $crate::chinook::database::body_on_server!("postgres" postgres $chinook $body);
            $crate::chinook::database::body_on_server!("mysql" mysql $chinook $body);
        }
    )*};
}

/// Tests of what is the same on the servers, and not on SQLite.
macro_rules! on_every_server {
    ($(fn $name:ident($chinook:ident) $body:block)*) => {$(
        mod $name {
            $crate::chinook::database::body_on_server!("postgres" postgres $chinook $body);
            $crate::chinook::database::body_on_server!("mysql" mysql $chinook $body);
        }
    )*};
}

macro_rules! body_on_server {
    ($feature:literal $database:ident $chinook:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $database {
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::super::*;
            #[allow(unused_imports, reason = "not every body needs what its database tells")]
            use $crate::chinook::$database::*;

            fn body($chinook: &Chinook) $body

            #[test]
            fn server() {
                let Some(chinook) = Chinook::fresh() else { return };
                body(&chinook);
            }
        }
    };
}

pub(crate) use {body_on_server, on_every_copy, on_every_server};

/// Looks at a database past the models, for one type of connection.
///
/// The module that this stands in says how its database spells things: `LIST_TABLES` and
/// `list_columns` select names, `quoted` makes an identifier of one, `literal` is SQL for the literal
/// of a column's value, `VERSION` for the version as a text.
macro_rules! looks {
    () => {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            line: String,
        }

        /// What a query selects as `line`.
        pub(crate) fn lines(query: &str, conn: &mut Conn) -> Vec<String> {
            let lines: Vec<Line> =
                diesel::RunQueryDsl::load(diesel::sql_query(query), conn).unwrap();
            lines.into_iter().map(|Line { line }| line).collect()
        }

        /// Every row of the table to the last bit: the literal of each value, but for the version.
        pub(crate) fn bits(table: &str, conn: &mut Conn) -> Vec<String> {
            let values: Vec<String> = lines(&list_columns(table), conn)
                .iter()
                .filter(|column| *column != "version")
                .map(|column| format!("concat('{column}: ', {})", literal(column)))
                .collect();
            let (values, table) = (values.join(", "), quoted(table));
            lines(
                &format!("SELECT concat_ws(', ', {values}) AS line FROM {table} ORDER BY 1"),
                conn,
            )
        }

        /// The literal of one value, in the row with this key.
        pub(crate) fn value(table: &str, key: i32, column: &str, conn: &mut Conn) -> String {
            let (value, key_column) = (literal(column), quoted(&format!("{table}Id")));
            let table = quoted(table);
            let query = format!("SELECT {value} AS line FROM {table} WHERE {key_column} = {key}");
            lines(&query, conn).remove(0)
        }

        /// The versions that occur in the table.
        pub(crate) fn versions(table: &str, conn: &mut Conn) -> Vec<String> {
            let table = quoted(table);
            lines(&format!("SELECT DISTINCT {VERSION} AS line FROM {table} ORDER BY 1"), conn)
        }

        /// Puts a version behind the columns of every table. The rows that are there begin at 1.
        fn add_versions(conn: &mut Conn) {
            for table in $crate::chinook::database::TABLES.map(quoted) {
                run(
                    &format!("ALTER TABLE {table} ADD COLUMN version BIGINT NOT NULL DEFAULT 1"),
                    conn,
                );
            }
        }

        #[test]
        fn adding_versions_changes_nothing_else() {
            use $crate::chinook::database::TABLES;

            let Some(chinook) = Chinook::as_it_comes() else { return };
            let conn = &mut chinook.connect();
            assert_eq!(lines(LIST_TABLES, conn), TABLES);
            let before = TABLES.map(|table| bits(table, conn));
            assert_eq!(before.iter().map(Vec::len).sum::<usize>(), 15_607);

            add_versions(conn);

            assert_eq!(TABLES.map(|table| bits(table, conn)), before);
            for table in TABLES {
                assert_eq!(versions(table, conn), ["1"], "{table}");
            }
        }
    };
}

pub(crate) use looks;
