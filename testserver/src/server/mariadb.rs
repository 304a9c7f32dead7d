//! MariaDB.
//!
//! MySQL's own server is set up in another way, and not started here: name a running one by its URL.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Product, command};
use crate::program;

/// An installed MariaDB.
#[derive(Debug)]
pub struct Mariadb {
    server: PathBuf,
    setup: PathBuf,
}

impl Mariadb {
    /// The one on the `PATH`, or where servers are kept from those who are not root.
    pub fn find() -> Option<Self> {
        let mut directories = program::search_path();
        // Servers are rarely on the path of those who are not root.
        directories.extend(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from));
        Some(Self {
            server: program::find(&["mariadbd", "mysqld"], &directories)?,
            // MySQL has no such script since 8.0, so that its server is passed over.
            setup: program::find(&["mariadb-install-db", "mysql_install_db"], &directories)?,
        })
    }
}

impl Product for Mariadb {
    const NAME: &'static str = "MariaDB";
    const ACCOUNTS: &'static [&'static str] = &["mysql", "nobody"];
    const READY: &'static str = "ready for connections";
    const STOP: &'static str = "KILL";

    fn create(&self, data: &Path) -> Command {
        let mut setup = command(&self.setup);
        setup.args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ]);
        setup.arg(option("datadir", data)).arg(temporary(data));
        setup
    }

    fn serve(&self, data: &Path, port: u16) -> Command {
        let mut server = command(&self.server);
        server.arg("--no-defaults").arg(option("datadir", data)).arg(temporary(data)).args([
            &format!("--port={port}"),
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--max-connections=400",
            // A client that waits for ever is let go.
            "--wait-timeout=300",
            "--lock-wait-timeout=60",
            "--innodb-flush-log-at-trx-commit=0",
            "--skip-log-bin",
            // Below the data; a path from the root could be too long for a socket.
            "--socket=socket",
            "--pid-file=pid",
        ]);
        server
    }

    fn url(port: u16) -> String {
        format!("mysql://root@127.0.0.1:{port}/mysql")
    }
}

/// Temporary tables stay beside the data. A server that starts clears away whatever others have in the
/// directory that it shares with them.
fn temporary(data: &Path) -> String {
    option("tmpdir", data.parent().unwrap_or(data))
}

fn option(name: &str, value: &Path) -> String {
    format!("--{name}={}", value.display())
}
