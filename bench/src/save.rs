//! `bench save`: measures one save on SQLite, reports it, and judges it when asked to.

use std::process::ExitCode;

use clap::Args;

use crate::database::Place;
use crate::instructions::Instructions;
use crate::report::{self, Measured};
use crate::time::{SAVES_PER_ROUND, Timings};
use crate::{Result, bars, machine, valgrind};

const ROUNDS: usize = 100;
const QUICK_ROUNDS: usize = 20;

#[derive(Args)]
pub struct Options {
    /// Judge the result by the project's bars, and fail when one is missed.
    #[arg(long)]
    check: bool,
    /// Take fewer rounds.
    #[arg(long)]
    quick: bool,
}

pub fn measure(options: &Options) -> Result<ExitCode> {
    // First: whoever asks for a verdict should not wait for a measurement that allows none.
    if options.check {
        valgrind::require()?;
    }
    let rounds = if options.quick { QUICK_ROUNDS } else { ROUNDS };
    let measured = Measured {
        memory: Timings::take(Place::Memory, rounds)?,
        wal_file: Timings::take(Place::WalFile, rounds)?,
        instructions: valgrind::is_installed().then(Instructions::count).transpose()?,
    };

    println!("{}, {rounds} rounds of {SAVES_PER_ROUND} saves", machine::description());
    println!("{}", report::table(&measured)?);
    if measured.instructions.is_none() {
        println!("No instructions: {}.", valgrind::MISSING);
    }
    if options.check { judge(&measured) } else { Ok(ExitCode::SUCCESS) }
}

fn judge(measured: &Measured) -> Result<ExitCode> {
    let instructions = measured.instructions.as_ref().ok_or(valgrind::MISSING)?;
    let verdicts = bars::judge(instructions, &measured.wal_file)?;
    for verdict in &verdicts {
        println!("{verdict}");
    }
    if verdicts.iter().all(bars::Verdict::met) {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}
