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
