//! A server's life, told by a shell that plays the server.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{Product, Server, command, data};
use crate::program;

/// Plays a server by running the line in a shell.
struct Play(&'static str);

impl Product for Play {
    const NAME: &'static str = "Play";
    const ACCOUNTS: &'static [&'static str] = &["nobody"];
    const READY: &'static str = "come in";
    const STOP: &'static str = "TERM";

    fn create(&self, data: &Path) -> Command {
        let mut mkdir = command(Path::new("mkdir"));
        mkdir.arg(data);
        mkdir
    }

    fn serve(&self, _data: &Path, _port: u16) -> Command {
        let mut shell = command(Path::new("sh"));
        shell.args(["-c", self.0]);
        shell
    }

    fn url(port: u16) -> String {
        format!("play://{port}")
    }
}

fn lives(process: u32) -> bool {
    program::answer("sh", &["-c", &format!("kill -0 {process}")]).is_some()
}

#[test]
fn a_dropped_server_leaves_no_process_and_no_folder() {
    let server = Server::start(&Play("echo come in; exec sleep 60")).unwrap();
    let (process, janitor) = (server.process.id(), server.folder.janitor());
    let folder = server.folder.path().to_owned();
    assert!(server.url().starts_with("play://"));
    assert!(folder.join("data").is_dir());
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(lives(process));

    drop(server);
    assert!(!lives(process));
    assert!(!lives(janitor));
    assert!(!folder.exists());
}

#[test]
fn a_server_that_ended_by_itself_leaves_no_folder() {
    let play = Play("echo come in; while [ ! -e end ]; do sleep 0.01; done");
    let mut server = Server::start(&play).unwrap();
    let folder = server.folder.path().to_owned();
    fs::write(folder.join("end"), "").unwrap();
    server.process.wait().unwrap();
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn a_server_that_does_not_start_is_quoted() {
    let sentence = Server::start(&Play("echo no such setting; exit 1")).unwrap_err();
    assert_eq!(sentence, "Play did not start; its log says:\nno such setting");
}

#[test]
fn a_taken_port_is_not_insisted_on() {
    let taken = Play("echo cannot bind: Address already in use; exit 1");
    assert!(Server::start_on(&taken, 1).unwrap().is_none());
    let sentence = Server::start(&taken).unwrap_err();
    assert_eq!(sentence, "Play found no free port in 5 attempts; try again.");
}

#[test]
fn a_database_that_cannot_be_created_is_an_error() {
    struct Broken;
    impl Product for Broken {
        const NAME: &'static str = "Broken";
        const ACCOUNTS: &'static [&'static str] = Play::ACCOUNTS;
        const READY: &'static str = Play::READY;
        const STOP: &'static str = Play::STOP;

        fn create(&self, _data: &Path) -> Command {
            let mut shell = command(Path::new("sh"));
            shell.args(["-c", "echo no space >&2; exit 1"]);
            shell
        }

        fn serve(&self, data: &Path, port: u16) -> Command {
            Play("").serve(data, port)
        }

        fn url(port: u16) -> String {
            Play::url(port)
        }
    }
    let sentence = Server::start(&Broken).unwrap_err();
    assert_eq!(sentence, "Broken could not create a database:\nno space");
}

/// As after `kill -9`: nothing is dropped, and only the end of the pipe is left to tell.
#[test]
fn a_task_that_dies_is_cleaned_up_after() {
    let mut server = Server::start(&Play("echo come in; exec sleep 60")).unwrap();
    let process = server.process.id();
    let folder = server.folder.path().to_owned();

    server.folder.release();
    // In place of the init process, which would reap it.
    assert!(!server.process.wait().unwrap().success());
    let started = Instant::now();
    while folder.exists() && started.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(10));
    }
    assert!(!lives(process));
    assert!(!folder.exists());
}

#[test]
fn a_server_that_crashed_is_started_again_where_it_was() {
    let play = Play("echo x >> data/starts; echo come in; exec sleep 60");
    let mut server = Server::start(&play).unwrap();
    let (url, first) = (server.url().to_owned(), server.process.id());
    server.crash(&play).unwrap();
    assert!(!lives(first));
    server.start_again(&play).unwrap();
    assert_eq!(server.url(), url);
    assert!(lives(server.process.id()));
    assert_eq!(fs::read_to_string(data(&server.folder).join("starts")).unwrap(), "x\nx\n");

    let folder = server.folder.path().to_owned();
    drop(server);
    assert!(!folder.exists());
}
