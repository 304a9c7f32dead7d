//! A server's life: created, ready, stopped, perhaps started once more, and cleared away.

mod account;
mod folder;
mod mariadb;
mod postgres;

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use self::folder::Folder;
pub use self::{mariadb::Mariadb, postgres::Postgres};
use crate::Outcome;

/// A slow machine that is busy with a build needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often another port is tried, when somebody was quicker to take the free one.
const ATTEMPTS: usize = 5;

/// What tells one kind of server from another.
pub trait Product {
    /// What a sentence calls it.
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

    /// What a client of Diesel's connects to.
    fn url(port: u16) -> String;
}

/// A server of one's own.
#[derive(Debug)]
pub struct Server {
    url: String,
    port: u16,
    process: Child,
    folder: Folder,
}

impl Server {
    /// A server with an empty database.
    pub fn start<P: Product>(product: &P) -> Outcome<Self> {
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
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns nothing if the port is taken.
    fn start_on<P: Product>(product: &P, port: u16) -> Outcome<Option<Self>> {
        let failed = |error: io::Error| format!("{} could not be started: {error}.", P::NAME);
        let mut folder = Folder::new(P::NAME, P::ACCOUNTS)?;
        let created = folder.inside(product.create(&data(&folder))).output().map_err(failed)?;
        if !created.status.success() {
            let said = [created.stdout, created.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            return Err(format!("{} could not create a database:\n{}", P::NAME, said.trim()));
        }

        let process = serve(product, port, &mut folder).map_err(failed)?;
        let mut server = Self { url: P::url(port), port, process, folder };
        Ok(server.ready::<P>()?.then_some(server))
    }

    /// Stops the server as a crash would, and leaves its data.
    pub fn crash<P: Product>(&mut self, _product: &P) -> Outcome<()> {
        let signal = format!("-{}", P::STOP);
        let process = self.process.id().to_string();
        let failed = |error: io::Error| format!("{} could not be stopped: {error}.", P::NAME);
        Command::new("kill").args([&signal, &process]).status().map_err(failed)?;
        self.process.wait().map_err(failed)?;
        self.folder.forget();
        Ok(())
    }

    /// Starts the server again after [`crash`](Self::crash), with the same data at the same place.
    pub fn start_again<P: Product>(&mut self, product: &P) -> Outcome<()> {
        self.process = serve(product, self.port, &mut self.folder)
            .map_err(|error| format!("{} could not be started: {error}.", P::NAME))?;
        if self.ready::<P>()? {
            return Ok(());
        }
        Err(format!("{} found that somebody else has taken its port.", P::NAME))
    }

    /// Waits for the server by its log, which is its own, while another may answer at the port.
    ///
    /// Returns false if the port is taken.
    fn ready<P: Product>(&mut self) -> Outcome<bool> {
        let started = Instant::now();
        loop {
            // In this order, so that the last words of a server that ended are read.
            let ended = !matches!(self.process.try_wait(), Ok(None));
            if ended {
                self.folder.forget();
            }
            let said = fs::read(log(&self.folder)).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            if ended && said.contains("Address already in use") {
                return Ok(false);
            }
            if ended || started.elapsed() > PATIENCE {
                return Err(format!("{} did not start; its log says:\n{}", P::NAME, said.trim()));
            }
            if said.contains(P::READY) {
                return Ok(true);
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

fn data(folder: &Folder) -> PathBuf {
    folder.path().join("data")
}

fn log(folder: &Folder) -> PathBuf {
    folder.path().join("log")
}

/// Starts the process, with a new log.
fn serve<P: Product>(product: &P, port: u16, folder: &mut Folder) -> io::Result<Child> {
    let stream = File::create(log(folder))?;
    let process = folder
        .inside(product.serve(&data(folder), port))
        .stdout(stream.try_clone()?)
        .stderr(stream)
        .spawn()?;
    folder.watch(&process, P::STOP);
    Ok(process)
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
