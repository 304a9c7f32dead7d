//! `cargo xtask test`: every test there is, with what the tests need.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{
    Outcome, cargo::cargo, chinook, diesel_cli, steps::Steps, tally, workspace::Workspace,
};

/// Run every test, build the library with each feature alone, run the quickstart example.
///
/// Missing tools are installed below the target directory; with `NOCLOBBER_NO_INSTALL=1` the
/// command says instead what to install.
#[derive(Args)]
pub(crate) struct Test {
    /// Show what every step prints, not only what a failing one does.
    #[arg(short, long)]
    verbose: bool,
}

impl Test {
    pub(crate) fn run(self) -> Outcome<ExitCode> {
        let workspace = Workspace::read()?;
        let mut steps = Steps::new("test", &workspace.root, self.verbose);

        let tests = workspace_tests(&workspace, &mut steps)?;
        let output = steps.run("tests", tests)?;
        for (name, check) in library_builds(&workspace.features) {
            steps.run(&name, check)?;
        }
        steps.run("example quickstart", cargo("run --example quickstart"))?;

        let tally = tally::count(&output);
        if tally.is_empty() {
            return Err("test: no test has run; see that the workspace still has its tests.".into());
        }
        println!("{}", steps.summary());
        println!("{tally}");
        Ok(ExitCode::SUCCESS)
    }
}

/// The tests of the workspace, told where to find what they cannot bring along.
fn workspace_tests(workspace: &Workspace, steps: &mut Steps) -> Outcome<Command> {
    let mut command = cargo("test --workspace --all-features");
    command.env(diesel_cli::VARIABLE, diesel_cli::DIESEL_CLI.ensure(workspace, steps)?);

    let chinook = chinook::directory(&workspace.root)?;
    if chinook::is_in(&chinook) {
        command.env(chinook::VARIABLE, chinook);
    } else {
        println!("{}", chinook::skipped(&chinook));
    }
    Ok(command)
}

/// The library without features, with each alone, and with all of them.
///
/// Only the library target: the tests and examples need features and would turn them on.
fn library_builds(features: &[String]) -> Vec<(String, Command)> {
    let mut builds = vec![(
        "library without features".to_owned(),
        cargo("check -p noclobber --lib --no-default-features"),
    )];
    builds.extend(features.iter().map(|feature| {
        let mut check = cargo("check -p noclobber --lib --no-default-features --features");
        check.arg(feature);
        (format!("library with `{feature}` alone"), check)
    }));
    builds.push((
        "library with all features".to_owned(),
        cargo("check -p noclobber --lib --all-features"),
    ));
    builds
}

#[cfg(test)]
mod tests {
    use super::library_builds;

    #[test]
    fn each_feature_is_built_alone_between_none_and_all() {
        let names: Vec<String> = library_builds(&["r2d2".to_owned(), "uuid".to_owned()])
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "library without features",
                "library with `r2d2` alone",
                "library with `uuid` alone",
                "library with all features",
            ]
        );
    }
}
