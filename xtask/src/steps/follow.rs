//! Runs one command to its end, listening to what it prints, and does not wait for ever.

use std::{
    io::{self, BufRead, BufReader, PipeReader},
    os::unix::process::CommandExt,
    process::{Child, Command},
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

/// Runs the command, and answers what it printed on its two streams in the order they were written.
///
/// With a limit it is killed when its time is over, and all that it started with it: it then stands
/// in a process group of its own, which Ctrl-C does not reach.
pub(super) fn follow(
    command: Command,
    show: bool,
    limit: Option<Duration>,
) -> io::Result<(End, String)> {
    let (reader, mut child) = spawn(command, limit.is_some())?;
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let lines = lines(reader);
    let mut output = String::new();
    // Since when the command has been gone; a process that it left behind may still hold its streams.
    let mut gone: Option<Instant> = None;
    loop {
        match lines.recv_timeout(GLANCE) {
            Ok(line) => {
                let text = String::from_utf8_lossy(&line);
                if show {
                    print!("{text}");
                }
                output.push_str(&text);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if gone.is_none() && child.try_wait()?.is_some() => {
                gone = Some(Instant::now());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if gone.is_some_and(|since| since.elapsed() > REST) {
            break;
        }
        if gone.is_none() && deadline.is_some_and(|deadline| Instant::now() > deadline) {
            kill_group(&mut child)?;
            return Ok((End::Overdue, output));
        }
    }
    Ok((if child.wait()?.success() { End::Success } else { End::Failure }, output))
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

fn kill_group(child: &mut Child) -> io::Result<()> {
    Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
    // Where there is no such program, at least the command itself ends.
    child.kill()?;
    child.wait()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        process::Command,
        thread,
        time::{Duration, Instant},
    };

    use super::{End, follow};

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_read_in_their_order() {
        let ended = follow(sh("echo one; echo two >&2; echo three; exit 3"), false, None).unwrap();
        assert_eq!(ended, (End::Failure, "one\ntwo\nthree\n".to_owned()));
    }

    #[test]
    fn one_that_does_not_end_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace");
        let script = format!("echo begun; (sleep 4; echo > '{}') & wait", trace.display());
        let started = Instant::now();
        let ended = follow(sh(&script), false, Some(Duration::from_secs(2))).unwrap();
        assert_eq!(ended, (End::Overdue, "begun\n".to_owned()));
        assert!(started.elapsed() < Duration::from_secs(60));

        thread::sleep(Duration::from_secs(4));
        assert!(!trace.exists());
    }

    #[test]
    fn a_process_that_is_left_behind_with_the_streams_is_not_waited_for() {
        let started = Instant::now();
        let (end, output) = follow(sh("sleep 300 & echo $!"), false, None).unwrap();
        assert_eq!(end, End::Success);
        assert!(started.elapsed() < Duration::from_secs(60));
        assert!(sh(&format!("kill {output}")).status().unwrap().success());
    }
}
