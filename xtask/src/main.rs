//! Everything CI runs, as `cargo xtask …`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks to whoever started it"
)]

mod bench;
mod cargo;
mod chinook;
mod client;
mod database;
mod debian;
mod diesel_cli;
mod lint;
mod servers;
mod shell;
mod steps;
mod tally;
mod test;
mod tool;
mod typos;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use testserver::Outcome;

/// Everything CI runs.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    Lint(lint::Lint),
    Test(test::Test),
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Lint(lint) => lint.run(),
        Task::Test(test) => test.run(),
        Task::Bench(bench) => bench.run(),
    };
    outcome.unwrap_or_else(|sentence| {
        eprintln!("{sentence}");
        ExitCode::FAILURE
    })
}
