//! Runs commands one after another, a line for each, until one fails.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Instant,
};

use crate::{Outcome, shell};

/// The steps of one task.
pub(crate) struct Steps {
    task: &'static str,
    root: PathBuf,
    verbose: bool,
    started: Instant,
    passed: usize,
}

impl Steps {
    pub(crate) fn new(task: &'static str, root: &Path, verbose: bool) -> Self {
        Self { task, root: root.to_owned(), verbose, started: Instant::now(), passed: 0 }
    }

    /// Runs the command in the workspace root and returns what it printed.
    ///
    /// A failure shows that output and says how to repeat the step by hand.
    pub(crate) fn run(&mut self, name: &str, mut command: Command) -> Outcome<String> {
        let line = shell::line(&command);
        command.current_dir(&self.root).stdin(Stdio::null());

        self.announce(name);
        let started = Instant::now();
        let (status, output) = follow(command, self.verbose).map_err(|error| {
            println!("FAILED");
            format!("`{line}` could not be run: {error}.")
        })?;
        let seconds = started.elapsed().as_secs_f64();

        if status.success() {
            println!("ok, {seconds:.1} s");
            self.passed += 1;
            return Ok(output);
        }
        println!("FAILED, {seconds:.1} s");
        if !self.verbose {
            eprint!("\n{output}\n");
        }
        Err(format!(
            "{}: the step `{name}` failed. To repeat it, run in {}:\n    {line}",
            self.task,
            self.root.display()
        ))
    }

    /// Does what is no command of its own, as a step that can fail.
    pub(crate) fn call<T>(&mut self, name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.announce(name);
        let started = Instant::now();
        let done = work().inspect_err(|_| println!("FAILED"))?;
        println!("ok, {:.1} s", started.elapsed().as_secs_f64());
        self.passed += 1;
        Ok(done)
    }

    /// One line about the whole, for when every step has passed.
    pub(crate) fn summary(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        format!("{}: all {} steps passed in {seconds:.1} s", self.task, self.passed)
    }

    /// Names the step before it runs, so that one that hangs is known.
    fn announce(&self, name: &str) {
        print!("{}: {name} … ", self.task);
        if self.verbose {
            println!();
        }
        // Only looks are lost if this fails.
        let _ = io::stdout().flush();
    }
}

/// Runs the command, with its two streams in the order they were written.
fn follow(command: Command, show: bool) -> io::Result<(ExitStatus, String)> {
    let (reader, mut child) = spawn(command)?;
    let mut output = String::new();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if show {
            print!("{text}");
        }
        output.push_str(&text);
        line.clear();
    }
    Ok((child.wait()?, output))
}

/// Takes the command, because its copies of the writing end must close for the reader to end.
fn spawn(mut command: Command) -> io::Result<(io::PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    let child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    Ok((reader, child))
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::Steps;
    use crate::cargo::cargo;

    #[test]
    fn a_passing_step_returns_what_it_printed() {
        let mut steps = Steps::new("test", &env::temp_dir(), false);
        let output = steps.run("version", cargo("--version"));
        assert!(output.is_ok_and(|output| output.starts_with("cargo ")));
        assert_eq!(steps.passed, 1);
    }

    #[test]
    fn a_failing_step_says_its_name_and_how_to_repeat_it() {
        let mut steps = Steps::new("test", &env::temp_dir(), false);
        let sentence = steps.run("nonsense", cargo("no-such-command")).err().unwrap_or_default();
        assert!(sentence.contains("the step `nonsense` failed"), "{sentence}");
        assert!(sentence.ends_with("\n    cargo no-such-command"), "{sentence}");
        assert_eq!(steps.passed, 0);
    }

    #[test]
    fn what_is_no_command_counts_as_a_step_when_it_passes() {
        let mut steps = Steps::new("test", &env::temp_dir(), false);
        assert_eq!(steps.call("sum", || Ok(1 + 1)), Ok(2));
        assert_eq!(steps.call("fall", || Err::<(), _>("no".to_owned())), Err("no".to_owned()));
        assert_eq!(steps.passed, 1);
    }

    #[test]
    fn a_missing_program_is_reported_by_name() {
        let mut steps = Steps::new("test", &env::temp_dir(), false);
        let sentence =
            steps.run("absent", Command::new("no-such-program")).err().unwrap_or_default();
        assert!(sentence.starts_with("`no-such-program` could not be run: "), "{sentence}");
    }
}
