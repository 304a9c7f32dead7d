//! What the tests share: a table, its model, databases of every kind, and a witness of what is sent.

mod barrier;
pub(crate) mod database;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
pub(crate) mod place;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod process;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) mod proxy;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) mod server;
pub(crate) mod sqlite;
mod witness;

pub(crate) use self::barrier::Barrier;
pub(crate) use self::database::{Database, Journal, pool};
pub(crate) use self::witness::{Witness, neutral};

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        body -> Nullable<Text>,
        views -> BigInt,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, AsChangeset, Versioned)]
#[diesel(table_name = documents)]
pub(crate) struct Document {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    #[versioned(unguarded)]
    pub(crate) views: i64,
    pub(crate) version: i64,
}

/// Waits for something that is going to happen, on a machine that has other things to do.
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The helpers of the tests for one type of connection.
macro_rules! helpers {
    ($connection:ty) => {
        /// What the bodies of the tests call the connection.
        pub(crate) type Conn = $connection;

        /// A new document with this title, at version 1.
        pub(crate) fn document(title: &str, conn: &mut Conn) -> $crate::support::Document {
            use diesel::ExpressionMethods;
            use noclobber::VersionedDsl;

            use $crate::support::{Document, documents};

            let values = (documents::title.eq(title), documents::body.eq("as it was"));
            Document::create(values, conn).unwrap()
        }

        /// The row as it stands, read by Diesel alone.
        pub(crate) fn row(id: i64, conn: &mut Conn) -> Option<$crate::support::Document> {
            use diesel::{HasQuery, OptionalExtension, QueryDsl, RunQueryDsl};

            $crate::support::Document::query().find(id).first(conn).optional().unwrap()
        }

        pub(crate) fn run(sql: &str, conn: &mut Conn) {
            diesel::connection::SimpleConnection::batch_execute(conn, sql).unwrap();
        }

        /// The texts that a query gives as `text`.
        pub(crate) fn texts(sql: &str, conn: &mut Conn) -> Vec<String> {
            #[derive(diesel::QueryableByName)]
            struct Row {
                #[diesel(sql_type = diesel::sql_types::Text)]
                text: String,
            }
            let rows: Vec<Row> = diesel::RunQueryDsl::load(diesel::sql_query(sql), conn).unwrap();
            rows.into_iter().map(|row| row.text).collect()
        }
    };
}

pub(crate) use helpers;

/// The tests of one body on SQLite: in memory, and in files of both journal modes.
macro_rules! body_on_sqlite {
    ($conn:ident $body:block) => {
        mod sqlite {
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::super::*;
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use $crate::support::sqlite::*;

            fn body($conn: &mut Conn) $body

            #[test]
            fn in_memory() {
                body(&mut $crate::support::Database::in_memory().connect());
            }

            #[test]
            fn wal_file() {
                let database = $crate::support::Database::file($crate::support::Journal::Wal);
                body(&mut database.connect());
            }

            #[test]
            fn delete_journal_file() {
                let database = $crate::support::Database::file($crate::support::Journal::Delete);
                body(&mut database.connect());
            }
        }
    };
}

/// The test of one body on a server, in a schema or database of its own.
macro_rules! body_on_server {
    ($feature:literal $server:ident $conn:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $server {
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::super::*;
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use $crate::support::$server::*;

            #[test]
            fn server() {
                fn body($conn: &mut Conn) $body

                let database = $crate::support::$server::Server::new();
                body(&mut database.connect());
            }
        }
    };
}

/// Tests on every database that several connections share, each from one body, which gets the place:
/// the files of SQLite, and the servers.
macro_rules! on_every_shared_database {
    ($($(#[$documentation:meta])* fn $name:ident($place:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            mod sqlite {
                #[allow(unused_imports, reason = "not every body needs what stands around it")]
                use super::super::*;
                #[allow(unused_imports, reason = "not every body needs what stands around it")]
                use $crate::support::sqlite::*;

                fn body($place: &Shared) $body

                #[test]
                fn wal_file() {
                    body(&Shared::file($crate::support::Journal::Wal));
                }

                #[test]
                fn delete_journal_file() {
                    body(&Shared::file($crate::support::Journal::Delete));
                }
            }
            $crate::support::body_on_shared_server!("postgres" postgres $place $body);
            $crate::support::body_on_shared_server!("mysql" mysql $place $body);
        }
    )*};
}

/// The test of one body on a server, which gets the place.
macro_rules! body_on_shared_server {
    ($feature:literal $server:ident $place:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $server {
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::super::*;
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use $crate::support::$server::*;

            #[test]
            fn server() {
                fn body($place: &Shared) $body

                body(&Shared::new());
            }
        }
    };
}

/// Tests on the servers, each from one body, which gets the place.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! on_shared_servers {
    ($($(#[$documentation:meta])* fn $name:ident($place:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_shared_server!("postgres" postgres $place $body);
            $crate::support::body_on_shared_server!("mysql" mysql $place $body);
        }
    )*};
}

/// Tests on every database, each from one body.
macro_rules! on_every_database {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_sqlite!($conn $body);
            $crate::support::body_on_server!("postgres" postgres $conn $body);
            $crate::support::body_on_server!("mysql" mysql $conn $body);
        }
    )*};
}

/// Tests on the databases whose triggers can drop a write without an error: all but MySQL.
macro_rules! on_databases_that_can_veto {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_sqlite!($conn $body);
            $crate::support::body_on_server!("postgres" postgres $conn $body);
        }
    )*};
}

/// Tests on the databases that check a constraint at COMMIT when they are asked to: all but MySQL.
macro_rules! on_databases_that_check_at_commit {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_sqlite!($conn $body);
            $crate::support::body_on_server!("postgres" postgres $conn $body);
        }
    )*};
}

/// Tests of what only a server does.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! on_servers {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_server!("postgres" postgres $conn $body);
            $crate::support::body_on_server!("mysql" mysql $conn $body);
        }
    )*};
}

/// Tests of what only SQLite does, or of what needs its SQL.
macro_rules! on_sqlite {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_sqlite!($conn $body);
        }
    )*};
}

/// Tests of what only PostgreSQL has.
#[cfg(feature = "postgres")]
macro_rules! on_postgres {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_server!("postgres" postgres $conn $body);
        }
    )*};
}

/// Tests of what only MySQL and MariaDB have.
#[cfg(feature = "mysql")]
macro_rules! on_mysql {
    ($($(#[$documentation:meta])* fn $name:ident($conn:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            $crate::support::body_on_server!("mysql" mysql $conn $body);
        }
    )*};
}

#[cfg(feature = "mysql")]
pub(crate) use on_mysql;
#[cfg(feature = "postgres")]
pub(crate) use on_postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use on_servers;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use on_shared_servers;
pub(crate) use {
    body_on_server, body_on_shared_server, body_on_sqlite, on_databases_that_can_veto,
    on_databases_that_check_at_commit, on_every_database, on_every_shared_database, on_sqlite,
};
