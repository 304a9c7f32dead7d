//! Runs commands one after another, a line for each, until one fails.

mod follow;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use self::follow::{End, follow};
use crate::{Outcome, shell};

/// How long a step may take when nobody is there to end it: several times what the slowest needs.
const LIMIT: Duration = Duration::from_secs(40 * 60);

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
    /// A failure shows that output and says how to repeat the step by hand. Where the input
    /// is no terminal, a step that takes longer than 40 minutes is ended, and is a failure as well.
    pub(crate) fn run(&mut self, name: &str, mut command: Command) -> Outcome<String> {
        let line = shell::line(&command);
        command.current_dir(&self.root).stdin(Stdio::null());

        self.announce(name);
        let started = Instant::now();
        // Who sits at a terminal decides how long to wait.
        let limit = (!io::stdin().is_terminal()).then_some(LIMIT);
        let (end, output) = follow(command, self.verbose, limit).map_err(|error| {
            println!("FAILED");
            format!("`{line}` could not be run: {error}.")
        })?;
        let seconds = started.elapsed().as_secs_f64();

        if end == End::Success {
            println!("ok, {seconds:.1} s");
            self.passed += 1;
            return Ok(output);
        }
        println!("FAILED, {seconds:.1} s");
        if !self.verbose {
            eprint!("\n{output}\n");
        }
        let (task, root) = (self.task, self.root.display());
        let what = match end {
            End::Overdue => "did not come to its end, and was killed",
            End::Success | End::Failure => "failed",
        };
        Err(format!("{task}: the step `{name}` {what}. To repeat it, run in {root}:\n    {line}"))
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
