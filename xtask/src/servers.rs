//! The servers that tests and benchmarks connect to: those that the user names, else throw-away ones.

use std::{env, process::Command};

use testserver::{Mariadb, Postgres, Product, Server};

use crate::{Outcome, client, database::Database, debian, debian::Package, steps::Steps};

const POSTGRESQL: Package = Package {
    name: "postgresql",
    wanted: "the server of PostgreSQL",
    is_here: || Postgres::find().is_some(),
    instead: Database::Postgres.variable(),
};

const MARIADB: Package = Package {
    name: "mariadb-server",
    wanted: "the server of MariaDB",
    is_here: || Mariadb::find().is_some(),
    instead: Database::Mysql.variable(),
};

/// The throw-away servers of a run, which end with it.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    running: Vec<(&'static str, Server)>,
}

impl Servers {
    /// Sees that the libraries and servers of these databases are installed, and that each has a
    /// server that runs.
    pub(crate) fn ready(databases: &[Database], steps: &mut Steps) -> Outcome<Self> {
        let packages = [client::packages(databases), Self::packages(databases)].concat();
        debian::ensure(&packages, steps)?;
        Self::start(databases, steps)
    }

    /// Says which tests have nothing to work on: those that crash a server of their own, where the only
    /// one is the user's.
    pub(crate) fn tell_skipped(databases: &[Database]) {
        for package in databases.iter().filter_map(|database| package(*database)) {
            if !(package.is_here)() {
                println!("skipped: the tests that crash {} (it is not installed)", package.wanted);
            }
        }
    }

    /// What has to be installed before [`Servers::start`].
    fn packages(databases: &[Database]) -> Vec<Package> {
        unnamed(databases).filter_map(|(database, _)| package(database)).collect()
    }

    /// Starts a server for each of the databases that needs one and has none.
    fn start(databases: &[Database], steps: &mut Steps) -> Outcome<Self> {
        let mut servers = Self::default();
        for (database, variable) in unnamed(databases) {
            let server = match database {
                Database::Sqlite => continue,
                Database::Postgres => start(Postgres::find(), steps)?,
                Database::Mysql => start(Mariadb::find(), steps)?,
            };
            servers.running.push((variable, server));
        }
        Ok(servers)
    }

    /// Tells the command where the servers are; of the user's it knows from the environment.
    pub(crate) fn tell(&self, command: &mut Command) {
        for (variable, server) in &self.running {
            command.env(variable, server.url());
        }
    }

    /// Adds to the sentence of a failed step that its command alone does not repeat it.
    pub(crate) fn explain(&self, sentence: String) -> String {
        if self.running.is_empty() {
            return sentence;
        }
        let variables: Vec<&str> = self.running.iter().map(|(variable, _)| *variable).collect();
        format!(
            "{sentence}\nThe servers of this run are gone: run the task again, or name others by \
             {}.",
            variables.join(" and ")
        )
    }
}

/// What brings the server of a database.
fn package(database: Database) -> Option<Package> {
    match database {
        Database::Sqlite => None,
        Database::Postgres => Some(POSTGRESQL),
        Database::Mysql => Some(MARIADB),
    }
}

/// Those of the databases that live on a server that the user does not name.
fn unnamed(databases: &[Database]) -> impl Iterator<Item = (Database, &'static str)> {
    databases
        .iter()
        .filter_map(|database| Some((*database, database.variable()?)))
        .filter(|(_, variable)| env::var_os(variable).is_none_or(|url| url.is_empty()))
}

fn start<P: Product>(product: Option<P>, steps: &mut Steps) -> Outcome<Server> {
    let product = product.ok_or_else(|| format!("{} has disappeared; try again.", P::NAME))?;
    steps.call(&format!("start {}", P::NAME), || Server::start(&product))
}
