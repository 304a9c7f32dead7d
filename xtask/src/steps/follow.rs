//! Runs one command to its end, listening to what it prints, and not for longer than it may take.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How often it is looked whether the command has ended, while it prints nothing.
const GLANCE: Duration = Duration::from_millis(100);
/// How long what was printed before the end may take to arrive.
const REST: Duration = Duration::from_secs(2);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Success,
    Failure,
    /// It did not, within its limit, and was killed.
    Overdue,
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        if status.success() { Self::Success } else { Self::Failure }
    }
}

/// Runs the command, and answers what it printed on its two streams in the order they were written.
///
/// With a limit it stands in a process group of its own, which is killed when its time is over, or when
/// this process ends before it.
pub(super) fn follow(
    command: Command,
    show: bool,
    limit: Option<Duration>,
) -> io::Result<(End, String)> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let (reader, mut child) = spawn(command, limit.is_some())?;
    let watch = limit.map(|_| Watch::over(&child)).transpose().inspect_err(|_| {
        // It runs unwatched; that it could not be started is what is told.
        let _ = child.kill();
    })?;
    let lines = lines(reader);
    let mut output = String::new();
    let mut hear = |line: Vec<u8>| {
        let text = String::from_utf8_lossy(&line);
        if show {
            print!("{text}");
        }
        output.push_str(&text);
    };
    let mut open = true;
    // Since when the command has been gone; a process that it left behind may still hold its streams.
    let mut gone: Option<Instant> = None;
    let end = loop {
        match lines.recv_timeout(GLANCE) {
            Ok(line) => hear(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if open => open = false,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(GLANCE),
        }
        if let Some(status) = child.try_wait()? {
            let since = gone.get_or_insert_with(Instant::now);
            if !open || since.elapsed() > REST {
                break status.into();
            }
        } else if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            break End::Overdue;
        }
    };
    if let Some(watch) = watch {
        if open || end == End::Overdue {
            drop(watch);
            child.wait()?;
            // The last words, which may be half a line.
            while let Ok(line) = lines.recv_timeout(REST) {
                hear(line);
            }
        } else {
            watch.dismiss();
        }
    }
    Ok((end, output))
}

/// Takes the command, because its copies of the writing end must close for the reader to end.
fn spawn(mut command: Command, apart: bool) -> io::Result<(PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    if apart {
        command.process_group(0);
    }
    let child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    Ok((reader, child))
}

/// Reads beside the waiting, line by line, until the last writer has closed.
fn lines(reader: PipeReader) -> Receiver<Vec<u8>> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(1..) if send.send(line).is_ok() => {}
                // The end, an error that comes to the same, or nobody who listens.
                _ => return,
            }
        }
    });
    lines
}

/// Kills the process group that it is told as its argument, unless it is sent a line.
const WATCH: &str = r#"read -r _ || kill -s KILL -- "-$1""#;

/// A process that outlives this one, and kills a group of others when its input ends without a word: when
/// this is dropped, and when this process ends, however it does.
struct Watch(Child);

impl Watch {
    fn over(leader: &Child) -> io::Result<Self> {
        let process = Command::new("sh")
            .args(["-c", WATCH, "watch", &leader.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self(process))
    }

    /// Lets the group live.
    fn dismiss(mut self) {
        if let Some(input) = &mut self.0.stdin {
            // There is nobody to tell if it has died.
            let _ = writeln!(input);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::{CommandExt, ExitStatusExt},
        process::Command,
        thread,
        time::{Duration, Instant},
    };

    use super::{End, Watch, follow};

    /// For what does not end by itself.
    const SOON: Duration = Duration::from_secs(60);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_read_in_their_order() {
        for limit in [None, Some(SOON)] {
            let script = "echo one; echo two >&2; printf three; exit 3";
            let ended = follow(sh(script), false, limit).unwrap();
            assert_eq!(ended, (End::Failure, "one\ntwo\nthree".to_owned()));
        }
    }

    #[test]
    fn one_that_does_not_end_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace");
        let script =
            format!("printf 'begun\nhalf'; (sleep 6; echo > '{}') & wait", trace.display());
        let started = Instant::now();
        let ended = follow(sh(&script), false, Some(Duration::from_secs(3))).unwrap();
        assert_eq!(ended, (End::Overdue, "begun\nhalf".to_owned()));
        assert!(started.elapsed() < SOON);

        thread::sleep(Duration::from_secs(5));
        assert!(!trace.exists());
    }

    #[test]
    fn one_that_has_closed_its_streams_is_waited_for() {
        let script = "exec >/dev/null 2>&1; sleep 0.5; exit 3";
        assert_eq!(follow(sh(script), false, None).unwrap(), (End::Failure, String::new()));
        let started = Instant::now();
        let script = "exec >/dev/null 2>&1; sleep 300";
        let ended = follow(sh(script), false, Some(Duration::from_secs(1))).unwrap();
        assert_eq!(ended, (End::Overdue, String::new()));
        assert!(started.elapsed() < SOON);
    }

    #[test]
    fn a_process_that_is_left_behind_with_the_streams_is_not_waited_for() {
        let started = Instant::now();
        let script = "(while :; do echo still; sleep 0.01; done) & echo $!";
        let (end, output) = follow(sh(script), false, None).unwrap();
        assert_eq!(end, End::Success);
        assert!(started.elapsed() < SOON);
        let left = output.lines().find(|line| *line != "still").unwrap();
        // It may have ended by itself, now that nobody listens.
        let _ = sh(&format!("kill {left}")).status();
    }

    #[test]
    fn who_ends_ends_what_he_watches() {
        let mut watched = sh("sleep 300 & wait").process_group(0).spawn().unwrap();
        let dismissed = Watch::over(&watched).unwrap();
        let watch = Watch::over(&watched).unwrap();
        dismissed.dismiss();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(watched.try_wait().unwrap(), None);
        drop(watch);
        assert_eq!(watched.wait().unwrap().signal(), Some(9));
    }
}
