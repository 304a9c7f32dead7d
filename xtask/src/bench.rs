//! `cargo xtask bench`: the benchmark, built as one unit, with the servers that it needs.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::{
    Outcome, cargo::cargo, database::Database, database::Selection, servers::Servers, shell,
    steps::Steps, workspace::Workspace,
};

/// Run the benchmark; all arguments are its own (`save`, `locks`), and without any it runs `save`.
///
/// Databases among the arguments pick what is measured; all of them are if there are none. Their
/// servers and what is missing are seen to as for the tests.
#[derive(Args)]
// `--help` belongs to the benchmark, too.
#[command(disable_help_flag = true)]
pub(crate) struct Bench {
    /// Arguments of the benchmark; databases and options alone are those of `save`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome<ExitCode> {
        let workspace = Workspace::read()?;
        let databases = databases(&self.arguments, &workspace.features)?;
        let mut steps = Steps::new("bench", &workspace.root, false);
        let servers = Servers::ready(&databases, &mut steps)?;

        let mut command = cargo("run --profile measure --quiet -p bench --features");
        command.arg(features(&databases)).arg("--").args(with_default(self.arguments));
        servers.tell(&mut command);
        let status = command.status().map_err(|error| {
            format!("`{}` could not be started: {error}.", shell::line(&command))
        })?;
        // A process ended by a signal has no code.
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Ok(ExitCode::from(code))
    }
}

/// The databases that the arguments ask for.
fn databases(arguments: &[String], features: &[String]) -> Outcome<Vec<Database>> {
    if arguments.iter().any(|argument| is_help(argument)) {
        return Ok(Vec::new());
    }
    let picks: Vec<Database> = arguments.iter().filter_map(|argument| named(argument)).collect();
    Ok(Selection::of(&picks, features)?.databases)
}

/// The features that build the benchmark for these databases.
fn features(databases: &[Database]) -> String {
    // SQLite needs nothing of the machine, and is always there.
    let optional = databases.iter().filter(|database| **database != Database::Sqlite);
    optional.map(|database| database.feature()).collect::<Vec<_>>().join(",")
}

fn with_default(mut arguments: Vec<String>) -> Vec<String> {
    let is_of_save = |argument: &String| argument.starts_with('-') || named(argument).is_some();
    if arguments.iter().all(is_of_save) && !arguments.iter().any(|argument| is_help(argument)) {
        arguments.insert(0, "save".to_owned());
    }
    arguments
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h" | "help")
}

fn named(argument: &str) -> Option<Database> {
    Database::from_str(argument, false).ok()
}

#[cfg(test)]
mod tests {
    use super::{databases, features, with_default};
    use crate::database::Database;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn given(line: &str) -> Vec<String> {
        with_default(words(line))
    }

    fn needed(line: &str) -> Vec<Database> {
        databases(&words(line), &words("mysql postgres r2d2 sqlite")).unwrap()
    }

    #[test]
    fn save_is_what_runs_when_nothing_is_named() {
        assert_eq!(given(""), ["save"]);
        assert_eq!(given("--check"), ["save", "--check"]);
        assert_eq!(given("--quick --check"), ["save", "--quick", "--check"]);
        assert_eq!(given("sqlite --check"), ["save", "sqlite", "--check"]);
    }

    #[test]
    fn other_arguments_are_passed_on_untouched() {
        assert_eq!(given("--help"), ["--help"]);
        assert_eq!(given("retry --check"), ["retry", "--check"]);
        assert_eq!(given("save mysql"), ["save", "mysql"]);
        assert_eq!(given("locks sqlite --check"), ["locks", "sqlite", "--check"]);
    }

    #[test]
    fn a_server_is_needed_only_by_what_is_measured() {
        assert_eq!(needed("save --check"), Database::ALL);
        assert_eq!(needed("save postgres --quick"), [Database::Postgres]);
        assert_eq!(needed("locks postgres"), [Database::Postgres]);
        assert_eq!(needed("save --help"), []);
        assert!(databases(&words("mysql"), &words("sqlite")).is_err());
    }

    #[test]
    fn what_needs_a_client_library_is_built_only_if_it_is_measured() {
        assert_eq!(features(&Database::ALL), "postgres,mysql");
        assert_eq!(features(&[Database::Sqlite]), "");
    }
}
