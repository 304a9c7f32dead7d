//! A database server that lives as long as its guard, in a private folder and on a free port.
//!
//! It listens on 127.0.0.1, lets everybody in, and trusts no disk: good for tests only. When the
//! guard is dropped, the server is stopped and the folder removed. Should the task die without
//! dropping it (Ctrl-C, `kill -9`), the [`Folder`]'s janitor does the same.

mod account;
mod folder;
mod mariadb;
mod postgres;

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Outcome;

use self::folder::Folder;
pub(crate) use self::{mariadb::Mariadb, postgres::Postgres};

/// A slow machine that is busy with a build needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often another port is tried, when somebody was quicker to take the free one.
const ATTEMPTS: usize = 5;

/// What tells one kind of server from another.
pub(crate) trait Product {
    const NAME: &'static str;
    /// Accounts that it may run as when the task runs as root, which servers refuse to.
    const ACCOUNTS: &'static [&'static str];
    /// What the log says when clients may come.
    const READY: &'static str;
    /// The signal on which it ends soonest and leaves nothing outside its folder.
    const STOP: &'static str;

    /// Fills the folder, which does not exist yet, with an empty database.
    fn create(&self, data: &Path) -> Command;

    /// Serves the database in the foreground, and writes the log to the standard streams.
    fn serve(&self, data: &Path, port: u16) -> Command;

    fn url(port: u16) -> String;
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    process: Child,
    folder: Folder,
}

impl Server {
    pub(crate) fn start<P: Product>(product: &P) -> Outcome<Self> {
        for _ in 0..ATTEMPTS {
            let port = free_port()
                .map_err(|error| format!("{} needs a free port on 127.0.0.1: {error}.", P::NAME))?;
            if let Some(server) = Self::start_on(product, port)? {
                return Ok(server);
            }
        }
        Err(format!("{} found no free port in {ATTEMPTS} attempts; try again.", P::NAME))
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns nothing if the port is taken.
    fn start_on<P: Product>(product: &P, port: u16) -> Outcome<Option<Self>> {
        let failed = |error: io::Error| format!("{} could not be started: {error}.", P::NAME);
        let mut folder = Folder::new(P::NAME, P::ACCOUNTS)?;
        let data = folder.path().join("data");
        let log = folder.path().join("log");

        let created = folder.inside(product.create(&data)).output().map_err(failed)?;
        if !created.status.success() {
            let said = [created.stdout, created.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            return Err(format!("{} could not create a database:\n{}", P::NAME, said.trim()));
        }

        let stream = File::create(&log).map_err(failed)?;
        let process = folder
            .inside(product.serve(&data, port))
            .stdout(stream.try_clone().map_err(failed)?)
            .stderr(stream)
            .spawn()
            .map_err(failed)?;
        folder.watch(&process, P::STOP);
        Self { url: P::url(port), process, folder }.ready::<P>(&log)
    }

    /// Waits for the server by its log, which is its own, while another may answer at the port.
    fn ready<P: Product>(mut self, log: &Path) -> Outcome<Option<Self>> {
        let started = Instant::now();
        loop {
            // In this order, so that the last words of a server that ended are read.
            let ended = !matches!(self.process.try_wait(), Ok(None));
            if ended {
                self.folder.forget();
            }
            let said = fs::read(log).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            if ended && said.contains("Address already in use") {
                return Ok(None);
            }
            if ended || started.elapsed() > PATIENCE {
                return Err(format!("{} did not start; its log says:\n{}", P::NAME, said.trim()));
            }
            if said.contains(P::READY) {
                return Ok(Some(self));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.folder.release();
        // The janitor has the process stopped; this lets it see the end.
        let _ = self.process.wait();
    }
}

/// A port that nobody has, for the moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A command whose messages are in English, because they are read here.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests;
