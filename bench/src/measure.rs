//! `bench save`, `bench locks`, `bench batch`: measures a subject on each database, reports it, and judges it when
//! asked to.

use std::process::ExitCode;

use clap::Args;

use crate::database::Product;
use crate::measured::Measured;
use crate::subject::Subject;
use crate::{Result, bars, machine, valgrind};

const ROUNDS: usize = 100;
const QUICK_ROUNDS: usize = 20;

#[derive(Args)]
pub struct Options {
    /// Databases to measure; all that are built in, if absent.
    databases: Vec<Product>,
    /// Judge the result by the project's bars, and fail when one is missed.
    #[arg(long)]
    pub check: bool,
    /// Take fewer rounds.
    #[arg(long)]
    pub quick: bool,
}

impl Options {
    /// What is to be measured.
    pub fn products(&self) -> Vec<Product> {
        match self.databases.as_slice() {
            [] => Product::built_in(),
            picks => picks.to_vec(),
        }
    }
}

pub fn measure(subject: Subject, options: &Options) -> Result<ExitCode> {
    let products = options.products();
    // First: whoever asks for a verdict should not wait for a measurement that allows none.
    if options.check && products.iter().any(|product| subject.counts_instructions(*product)) {
        valgrind::require()?;
    }
    let names =
        products.iter().map(|product| product.name_and_version()).collect::<Result<Vec<_>>>()?;

    let rounds = if options.quick { QUICK_ROUNDS } else { ROUNDS };
    let mut all_met = true;
    for (product, name) in products.into_iter().zip(names) {
        all_met &= measure_one(subject, product, &name, rounds, options.check)?;
    }
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether no bar was missed.
fn measure_one(
    subject: Subject,
    product: Product,
    name: &str,
    rounds: usize,
    check: bool,
) -> Result<bool> {
    let measured = Measured::take(subject, product, rounds)?;
    println!("{}, {}", machine::description(name), measured.extent(rounds));
    println!("{}", measured.table()?);
    if subject.counts_instructions(product) && measured.instructions.is_none() {
        println!("No instructions: {}.", valgrind::MISSING);
    }
    let verdicts = if check { bars::judge(subject, product, &measured)? } else { Vec::new() };
    for verdict in &verdicts {
        println!("{verdict}");
    }
    println!();
    Ok(verdicts.iter().all(bars::Verdict::met))
}
