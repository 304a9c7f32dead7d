//! Processes that a test starts, talks to, stops and kills: this test binary, started once more.
//!
//! A process is told what to do by lines on its standard input, and answers by marked lines on its
//! standard output, where the test harness writes as well.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;
use std::{env, thread};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Holds the task of a process. Without it this binary is an ordinary test run.
const TASK: &str = "NOCLOBBER_TEST_TASK";
const MARK: &str = "> ";
/// For what happens at once on a machine that has nothing else to do.
const LONG: Duration = Duration::from_secs(60);

/// A process that is running, seen from the test that started it.
pub(crate) struct Process {
    child: Child,
    told: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Process {
    /// Starts the test `name` of this binary with a task. The test asks for it by [`task`].
    pub(crate) fn start(name: &str, task: &impl Serialize) -> Self {
        let (_crate, name) = name.split_once("::").unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(TASK, serde_json::to_string(task).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (send, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(answer) = line.strip_prefix(MARK) {
                    // Nobody listens any more to one that was killed.
                    let _ = send.send(answer.to_owned());
                }
            }
        });
        Process { child, told, answers }
    }

    /// Tells it what to do next. Does not wait for the answer.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.told.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Its next answer.
    pub(crate) fn answer(&mut self) -> String {
        match self.answers.recv_timeout(LONG) {
            Ok(answer) => answer,
            Err(error) => panic!("no answer ({error}):\n{}", self.complaint()),
        }
    }

    /// Tells it what to do, and waits until it is done.
    pub(crate) fn asks(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    /// Its clock goes on and nothing else.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Ends it without a warning. Answers what it has said by then.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.answers.iter().collect()
    }

    /// Tells it that there is nothing more to do, and waits for its end. Answers what it has said.
    pub(crate) fn finish(mut self) -> Vec<String> {
        drop(self.told.take());
        let mut answers = Vec::new();
        loop {
            match self.answers.recv_timeout(LONG) {
                Ok(answer) => answers.push(answer),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no end:\n{}", self.complaint()),
            }
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "a process failed:\n{}", self.complaint());
        answers
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// What a process that does not get on has said beside its answers.
    fn complaint(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut complaint = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            let _ = errors.read_to_string(&mut complaint);
        }
        complaint
    }
}

impl Drop for Process {
    /// A test that fails leaves nobody behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The task that this process was started with, if it was.
pub(crate) fn task<T: DeserializeOwned>() -> Option<T> {
    env::var(TASK).ok().map(|task| serde_json::from_str(&task).unwrap())
}

/// What this process is told to do, line by line, to the end.
pub(crate) fn told() -> impl Iterator<Item = String> {
    io::stdin().lines().map_while(Result::ok)
}

/// Answers the test that started this process.
pub(crate) fn answer(text: &str) {
    // The harness may be in the midst of a line.
    let mut output = io::stdout().lock();
    output.write_all(format!("\n{MARK}{text}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}
