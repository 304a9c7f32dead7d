//! `cargo xtask bench`: the benchmark, built as one unit.

use std::process::ExitCode;

use clap::Args;

use crate::{Outcome, cargo::cargo, shell};

/// Run the benchmark; all arguments are its own, and without any it runs `save`.
#[derive(Args)]
// `--help` belongs to the benchmark, too.
#[command(disable_help_flag = true)]
pub(crate) struct Bench {
    /// Arguments of the benchmark; options alone are those of `save`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome<ExitCode> {
        let mut command = cargo("run --profile measure --quiet -p bench --");
        command.args(with_default(self.arguments));
        let status = command.status().map_err(|error| {
            format!("`{}` could not be started: {error}.", shell::line(&command))
        })?;
        // A process ended by a signal has no code.
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Ok(ExitCode::from(code))
    }
}

fn with_default(mut arguments: Vec<String>) -> Vec<String> {
    let is_help = |argument: &String| matches!(argument.as_str(), "--help" | "-h");
    let only_options = arguments.iter().all(|argument| argument.starts_with('-'));
    if only_options && !arguments.iter().any(is_help) {
        arguments.insert(0, "save".to_owned());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::with_default;

    fn given(line: &str) -> Vec<String> {
        with_default(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn save_is_what_runs_when_nothing_is_named() {
        assert_eq!(given(""), ["save"]);
        assert_eq!(given("--check"), ["save", "--check"]);
        assert_eq!(given("--quick --check"), ["save", "--quick", "--check"]);
    }

    #[test]
    fn other_arguments_are_passed_on_untouched() {
        assert_eq!(given("--help"), ["--help"]);
        assert_eq!(given("retry --check"), ["retry", "--check"]);
    }
}
