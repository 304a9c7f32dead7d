//! Measures what noclobber costs, against the least that the database asks for and against what is
//! written by hand today.

mod bars;
mod contender;
mod contention;
mod database;
mod instructions;
mod machine;
mod measure;
mod measured;
#[cfg(feature = "mysql")]
mod mysql_c;
#[cfg(feature = "postgres")]
mod postgres_c;
mod run;
mod sqlite_c;
mod statistics;
mod subject;
mod time;
mod valgrind;
mod verify;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::contender::Kind;
use crate::subject::Subject;

/// Failures end the program with their message, so their type is never looked at.
type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Measures noclobber against its floors.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// One save: change a field of a row and write it back under its version.
    Save(measure::Options),
    /// Leases: take and give back, renew, and save under one.
    Locks(measure::Options),
    /// Batches: 1000 rows written back at once.
    Batch(measure::Options),
    /// Contention: many writers who want one row.
    Contention(measure::Options),
    /// Saves and prints nothing; runs under valgrind, which counts the instructions.
    #[command(hide = true)]
    Count { contender: Kind, saves: u32 },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Save(options) => measure::measure(Subject::Save, &options),
        Task::Locks(options) => measure::measure(Subject::Locks, &options),
        Task::Batch(options) => measure::measure(Subject::Batch, &options),
        Task::Contention(options) => contention::measure(&options),
        Task::Count { contender, saves } => {
            instructions::save(contender, saves).map(|()| ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}
