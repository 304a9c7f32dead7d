//! `cargo xtask test`: every test there is, with what the tests need.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{
    Outcome,
    cargo::cargo,
    chinook,
    database::{Database, Selection},
    diesel_cli,
    servers::Servers,
    steps::Steps,
    tally,
    workspace::Workspace,
};

/// Run every test, build the library with each feature alone, run the quickstart example.
///
/// Servers are those that `NOCLOBBER_POSTGRES_URL` and `NOCLOBBER_MYSQL_URL` name; else they are
/// started for this run from what is installed, and removed after it. Missing tools are installed
/// below the target directory, and missing servers and libraries on Debian, for root; with
/// `NOCLOBBER_NO_INSTALL=1` the command says instead what to install.
#[derive(Args)]
pub(crate) struct Test {
    /// Databases to test the library on; all of them, and the other packages, if absent. SQLite is always
    /// among them: the examples of the documentation run on it.
    databases: Vec<Database>,
    /// Show what every step prints, not only what a failing one does.
    #[arg(short, long)]
    verbose: bool,
}

impl Test {
    pub(crate) fn run(self) -> Outcome<ExitCode> {
        let workspace = Workspace::read()?;
        let selection = Selection::of(&self.databases, &workspace.features)?;
        let mut steps = Steps::new("test", &workspace.root, self.verbose);

        let servers = Servers::ready(&selection.databases, &mut steps)?;
        Servers::tell_skipped(&selection.databases);

        let mut tests = tests(&selection);
        provide(&mut tests, &selection.databases, &workspace, &mut steps)?;
        servers.tell(&mut tests);
        let output = steps.run("tests", tests).map_err(|sentence| servers.explain(sentence))?;
        drop(servers);

        for (name, check) in library_builds(&selection) {
            steps.run(&name, check)?;
        }
        if selection.has(Database::Sqlite) {
            steps.run("example quickstart", cargo("run --example quickstart"))?;
        }

        let tally = tally::count(&output);
        if tally.is_empty() {
            return Err("test: no test has run; see that the workspace still has its tests.".into());
        }
        println!("{}", steps.summary());
        println!("{tally}");
        Ok(ExitCode::SUCCESS)
    }
}

/// The tests of the workspace, or, for picked databases, those of the library.
///
/// The other packages turn on features of the library that were not picked.
fn tests(selection: &Selection) -> Command {
    if selection.everything {
        return cargo("test --workspace --all-features");
    }
    let mut command = cargo("test -p noclobber --no-default-features --features");
    command.arg(selection.features.join(","));
    command
}

/// Tells the tests where to find what they cannot bring along.
fn provide(
    tests: &mut Command,
    databases: &[Database],
    workspace: &Workspace,
    steps: &mut Steps,
) -> Outcome<()> {
    tests.env(diesel_cli::VARIABLE, diesel_cli::DIESEL_CLI.ensure(workspace, steps)?);

    let chinook = chinook::directory(&workspace.root)?;
    let missing = chinook::missing(&chinook, databases);
    if !missing.is_empty() {
        println!("{}", chinook::skipped(&chinook, &missing));
    }
    tests.env(chinook::VARIABLE, chinook);
    Ok(())
}

/// The library without features, with each selected one alone, and with all of these.
///
/// Only the library target: the tests and examples need features and would turn them on.
fn library_builds(selection: &Selection) -> Vec<(String, Command)> {
    let with = |features: &str| {
        let mut check = cargo("check -p noclobber --lib --no-default-features --features");
        check.arg(features);
        check
    };
    let mut builds = vec![(
        "library without features".to_owned(),
        cargo("check -p noclobber --lib --no-default-features"),
    )];
    builds.extend(
        selection
            .features
            .iter()
            .map(|feature| (format!("library with `{feature}` alone"), with(feature))),
    );
    builds.push(if selection.everything {
        ("library with all features".to_owned(), cargo("check -p noclobber --lib --all-features"))
    } else {
        let features = selection.features.join(",");
        (format!("library with `{features}`"), with(&features))
    });
    builds
}

#[cfg(test)]
mod tests {
    use super::{library_builds, tests};
    use crate::{
        database::{Database, Selection},
        shell,
    };

    fn selection(picks: &[Database]) -> Selection {
        let features = ["postgres", "sqlite", "uuid"].map(str::to_owned);
        Selection::of(picks, &features).unwrap()
    }

    fn names(picks: &[Database]) -> Vec<String> {
        library_builds(&selection(picks)).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn each_feature_is_built_alone_between_none_and_all() {
        assert_eq!(
            names(&[]),
            [
                "library without features",
                "library with `postgres` alone",
                "library with `sqlite` alone",
                "library with `uuid` alone",
                "library with all features",
            ]
        );
    }

    #[test]
    fn a_pick_builds_nothing_that_another_database_needs() {
        assert_eq!(
            names(&[Database::Sqlite]),
            [
                "library without features",
                "library with `sqlite` alone",
                "library with `uuid` alone",
                "library with `sqlite,uuid`",
            ]
        );
        assert_eq!(
            shell::line(&tests(&selection(&[Database::Sqlite]))),
            "cargo test -p noclobber --no-default-features --features sqlite,uuid"
        );
    }

    #[test]
    fn without_a_pick_everything_is_tested() {
        let everything = shell::line(&tests(&selection(&[])));
        assert_eq!(everything, "cargo test --workspace --all-features");
    }
}
