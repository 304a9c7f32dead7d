//! Measures what noclobber costs, against the least that the database asks for and against what is
//! written by hand today.

mod bars;
mod contender;
mod database;
mod instructions;
mod machine;
mod report;
mod run;
mod save;
mod sqlite_c;
mod statistics;
mod time;
mod valgrind;
mod verify;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::contender::Kind;
use crate::database::Place;
use crate::run::Run;

/// Failures end the program with their message, so their type is never looked at.
type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Measures noclobber against its floors.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// One save on SQLite: change a field of a row and write it back under its version.
    Save(save::Options),
    /// Saves and prints nothing; runs under valgrind, which counts the instructions.
    #[command(hide = true)]
    Count { contender: Kind, saves: u32 },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().subject {
        Subject::Save(options) => save::measure(&options),
        Subject::Count { contender, saves } => count(contender, saves).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

fn count(contender: Kind, saves: u32) -> Result<()> {
    let mut run = Run::start(contender, Place::Memory)?;
    run.save(saves)?;
    run.finish()
}
