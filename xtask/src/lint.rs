//! `cargo xtask lint`: what can be judged without running the tests.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::{
    Outcome, cargo::cargo, client, database::Database, steps::Steps, typos, workspace::Workspace,
};

/// Check format, lints, documentation and spelling.
#[derive(Args)]
pub(crate) struct Lint {
    /// Show what every step prints, not only what a failing one does.
    #[arg(short, long)]
    verbose: bool,
}

impl Lint {
    pub(crate) fn run(self) -> Outcome<ExitCode> {
        let workspace = Workspace::read()?;
        let mut steps = Steps::new("lint", &workspace.root, self.verbose);

        steps.run("format", cargo("fmt --all --check"))?;
        // Clippy does not link, but the build scripts look for what would be linked.
        client::ensure(&Database::available(&workspace.features), &mut steps)?;
        steps.run(
            "clippy",
            cargo("clippy --workspace --all-targets --all-features -- -D warnings"),
        )?;
        // With every feature on, code that only some feature needs never shows as unused.
        steps.run(
            "clippy, library without features",
            cargo("clippy -p noclobber --lib --no-default-features -- -D warnings"),
        )?;
        steps.run("documentation", documentation())?;
        let typos = typos::TYPOS.ensure(&workspace, &mut steps)?;
        steps.run("spelling", Command::new(typos))?;

        println!("{}", steps.summary());
        Ok(ExitCode::SUCCESS)
    }
}

fn documentation() -> Command {
    let mut command = cargo("doc --workspace --no-deps --all-features");
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}
