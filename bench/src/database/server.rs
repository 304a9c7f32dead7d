//! PostgreSQL, MySQL and MariaDB: a schema of its own on a server for each contender.

use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

use diesel::dsl;
use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;

use super::Database;
use crate::Result;
use crate::contender::Contender;
use crate::verify::{Expected, Verifiable, verify};
use crate::workload;

/// A connection to a server, and what has to be known of the server.
pub trait ServerConnection: Connection {
    /// Names the server by its URL.
    const VARIABLE: &'static str;
    /// Creates a schema, where its name stands for `{}`; so the next two.
    const CREATE: &'static str;
    /// Has a connection work in the schema.
    const ENTER: &'static str;
    const DROP: &'static str;
    /// The type of a timestamp with microseconds and without a time zone.
    const TIMESTAMP: &'static str;
}

#[cfg(feature = "postgres")]
impl ServerConnection for PgConnection {
    const VARIABLE: &'static str = "NOCLOBBER_POSTGRES_URL";
    const CREATE: &'static str = "CREATE SCHEMA {}";
    // As with SQLite's `synchronous = NORMAL`, a commit does not wait for the disk: that would cost
    // all contenders the same, and draw the ratios towards 1.
    const ENTER: &'static str = "SET search_path TO {}; SET synchronous_commit TO off; \
                                 SET client_min_messages TO warning";
    const DROP: &'static str = "DROP SCHEMA {} CASCADE";
    const TIMESTAMP: &'static str = "TIMESTAMP";
}

#[cfg(feature = "mysql")]
impl ServerConnection for MysqlConnection {
    const VARIABLE: &'static str = "NOCLOBBER_MYSQL_URL";
    const CREATE: &'static str = "CREATE DATABASE {}";
    // How a commit is kept is not a connection's choice here.
    const ENTER: &'static str = "USE {}";
    const DROP: &'static str = "DROP DATABASE {}";
    const TIMESTAMP: &'static str = "DATETIME(6)";
}

/// A schema with the table, gone when this is dropped.
pub struct Schema<C: ServerConnection> {
    url: String,
    name: String,
    enter: String,
    connection: C,
}

impl<C: ServerConnection> Schema<C> {
    pub fn create() -> Result<Self> {
        let (url, mut connection) = connect::<C>()?;
        let name = unique_name();
        connection.batch_execute(&named(C::CREATE, &name))?;
        let enter = named(C::ENTER, &name);
        // Made before the table is: what fails from here on leaves no schema behind.
        let mut schema = Self { url, name, enter, connection };
        schema.connection.batch_execute(&schema.enter)?;
        schema.connection.batch_execute(&workload::schema(C::TIMESTAMP))?;
        Ok(schema)
    }
}

impl<C: ServerConnection + Verifiable> Database for Schema<C> {
    fn url(&self) -> &str {
        &self.url
    }

    fn set_up_sql(&self) -> &str {
        &self.enter
    }

    fn verify(&mut self, _contender: &mut dyn Contender, expected: Expected) -> Result<()> {
        verify(&mut self.connection, expected)
    }
}

impl<C: ServerConnection> Drop for Schema<C> {
    fn drop(&mut self) {
        // A server that cannot be reached any more is past cleaning up.
        let _ = self.connection.batch_execute(&named(C::DROP, &self.name));
    }
}

diesel::define_sql_function! {
    /// What the server says of itself.
    fn version() -> Text;
}

pub fn name_and_version<C>() -> Result<String>
where
    C: ServerConnection,
    dsl::select<version>: for<'query> LoadQuery<'query, C, String>,
{
    let (_, mut connection) = connect::<C>()?;
    let version: String = diesel::select(version()).get_result(&mut connection)?;
    Ok(described(&version))
}

fn connect<C: ServerConnection>() -> Result<(String, C)> {
    let variable = C::VARIABLE;
    let url = env::var(variable).unwrap_or_default();
    if url.is_empty() {
        return Err(format!("{variable} is not set; `cargo xtask bench` starts a server").into());
    }
    let connection = C::establish(&url)
        .map_err(|error| format!("{variable} does not lead to a server: {error}"))?;
    Ok((url, connection))
}

/// A name that no other run has on the same server, unless it is on another machine.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("noclobber_bench_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn named(sql: &str, name: &str) -> String {
    sql.replace("{}", name)
}

/// Shortens what a server says of itself to its name and version.
fn described(version: &str) -> String {
    let number = version.split(['-', ' ']).next().unwrap_or_default();
    if version.starts_with("PostgreSQL ") {
        version.split(' ').take(2).collect::<Vec<_>>().join(" ")
    } else if version.contains("MariaDB") {
        format!("MariaDB {number}")
    } else {
        format!("MySQL {number}")
    }
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn a_server_is_known_by_name_and_version() {
        for (version, expected) in [
            (
                "PostgreSQL 15.13 (Debian 15.13-0+deb12u1) on x86_64-pc-linux-gnu",
                "PostgreSQL 15.13",
            ),
            ("PostgreSQL 18beta1 on aarch64-apple-darwin", "PostgreSQL 18beta1"),
            ("10.11.11-MariaDB-0+deb12u1", "MariaDB 10.11.11"),
            ("8.4.3", "MySQL 8.4.3"),
        ] {
            assert_eq!(described(version), expected);
        }
    }
}
