//! The C libraries with which Diesel speaks to the servers, as far as a build needs them.
//!
//! The crates below Diesel look for them in their build scripts, in the ways that are asked here:
//! `pq-sys` by `PQ_LIB_DIR`, pkg-config and `pg_config`; `mysqlclient-sys` by pkg-config, first for
//! MySQL's and then for MariaDB's library, by `MYSQLCLIENT_LIB_DIR` with `MYSQLCLIENT_VERSION`, and
//! by `mysql_config`. Debian's package for MariaDB has no `mysql_config`, so that pkg-config is
//! needed beside it. No header is read; the bindings come with the crates.

use std::env;

use testserver::program;

use crate::{Outcome, database::Database, debian, debian::Package, steps::Steps};

const LIBPQ: Package = Package {
    name: "libpq-dev",
    wanted: "the client library of PostgreSQL",
    is_here: || {
        env::var_os("PQ_LIB_DIR").is_some()
            || pkg_config("libpq")
            || program::answer("pg_config", &["--libdir"]).is_some()
    },
    instead: None,
};

const LIBMARIADB: Package = Package {
    name: "libmariadb-dev",
    wanted: "the client library of MariaDB or MySQL",
    is_here: || {
        mysql_without_pkg_config() || ["mysqlclient", "libmariadb"].into_iter().any(pkg_config)
    },
    instead: None,
};

const PKG_CONFIG: Package = Package {
    name: "pkg-config",
    wanted: "pkg-config",
    is_here: || mysql_without_pkg_config() || pkg_config_answers(&["--version"]),
    instead: None,
};

/// What a build with the features of these databases links.
pub(crate) fn packages(databases: &[Database]) -> Vec<Package> {
    databases
        .iter()
        .flat_map(|database| match database {
            // Compiled from source by its crate.
            Database::Sqlite => [].as_slice(),
            Database::Postgres => &[LIBPQ],
            Database::Mysql => &[LIBMARIADB, PKG_CONFIG],
        })
        .copied()
        .collect()
}

/// Sees that the library can be built with the features of these databases.
pub(crate) fn ensure(databases: &[Database], steps: &mut Steps) -> Outcome<()> {
    debian::ensure(&packages(databases), steps)
}

fn mysql_without_pkg_config() -> bool {
    let named = ["MYSQLCLIENT_LIB_DIR", "MYSQLCLIENT_VERSION"];
    named.into_iter().all(|variable| env::var_os(variable).is_some())
        || program::answer("mysql_config", &["--libs"]).is_some()
}

fn pkg_config(library: &str) -> bool {
    pkg_config_answers(&["--exists", library])
}

/// Asks the program that the build scripts ask.
fn pkg_config_answers(arguments: &[&str]) -> bool {
    let named = env::var("PKG_CONFIG").ok();
    let candidates = match &named {
        Some(named) => vec![named.as_str()],
        None => vec!["pkg-config", "pkgconf"],
    };
    candidates.into_iter().any(|candidate| program::answer(candidate, arguments).is_some())
}

#[cfg(test)]
mod tests {
    use super::packages;
    use crate::database::Database;

    #[test]
    fn sqlite_needs_no_package() {
        assert!(packages(&[Database::Sqlite]).is_empty());
    }

    #[test]
    fn each_server_needs_its_client_library() {
        let names: Vec<&str> =
            packages(&Database::ALL).into_iter().map(|package| package.name).collect();
        assert_eq!(names, ["libpq-dev", "libmariadb-dev", "pkg-config"]);
    }
}
