//! PostgreSQL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Product, command};
use crate::program;

/// An installed PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
}

impl Postgres {
    /// The one on the `PATH`, or the newest, or the one that `pg_config` speaks of.
    pub fn find() -> Option<Self> {
        let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let debian = newest_first(debian.map(|entry| entry.path()).collect());
        program::search_path()
            .into_iter()
            .chain(debian.into_iter().map(|version| version.join("bin")))
            .chain(program::answer("pg_config", &["--bindir"]).map(PathBuf::from))
            // The client's packages bring neither; only together are they a server.
            .find(|programs| ["initdb", "postgres"].iter().all(|it| programs.join(it).is_file()))
            .map(|programs| Self { programs })
    }
}

impl Product for Postgres {
    const NAME: &'static str = "PostgreSQL";
    const ACCOUNTS: &'static [&'static str] = &["postgres", "nobody"];
    const READY: &'static str = "database system is ready to accept connections";
    // It has shared memory to give back, but need not write a checkpoint.
    const STOP: &'static str = "QUIT";

    fn create(&self, data: &Path) -> Command {
        let mut initdb = command(&self.programs.join("initdb"));
        initdb.args(["-A", "trust", "-U", "noclobber", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("-D").arg(data);
        initdb
    }

    fn serve(&self, data: &Path, port: u16) -> Command {
        let mut postgres = command(&self.programs.join("postgres"));
        postgres.arg("-D").arg(data);
        for setting in [
            "listen_addresses=127.0.0.1",
            &format!("port={port}"),
            // A path below a deep folder would be too long for a socket.
            "unix_socket_directories=",
            "fsync=off",
            "max_connections=200",
            // Who waits for a lock of a millisecond must not meet a stranger, and nothing lives so long here
            // that it has to be tidied up.
            "autovacuum=off",
            "logging_collector=off",
        ] {
            postgres.args(["-c", setting]);
        }
        postgres
    }

    fn url(port: u16) -> String {
        format!("postgres://noclobber@127.0.0.1:{port}/postgres")
    }
}

/// Folders that are named by a version.
fn newest_first(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort_by_cached_key(|folder| {
        folder.file_name().and_then(|name| name.to_str()).map(version).unwrap_or_default()
    });
    folders.reverse();
    folders
}

fn version(name: &str) -> Vec<u32> {
    name.split('.').filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::newest_first;

    #[test]
    fn versions_are_compared_as_numbers() {
        let folders = ["/pg/9.6", "/pg/15", "/pg/9.4", "/pg/17"].map(PathBuf::from);
        let sorted = ["/pg/17", "/pg/15", "/pg/9.6", "/pg/9.4"].map(PathBuf::from);
        assert_eq!(newest_first(folders.into()), sorted);
    }
}
