//! One line on where the numbers come from.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::thread::available_parallelism;

/// The machine, with what is measured on it.
pub fn description(product: &str) -> String {
    let cores = available_parallelism().map_or_else(
        |_| "an unknown number of cores".to_owned(),
        |cores| if cores.get() == 1 { "1 core".to_owned() } else { format!("{cores} cores") },
    );
    let processor = processor().map(|model| format!(" of {model}")).unwrap_or_default();
    let rustc = env!("BENCH_RUSTC_VERSION");
    format!("{OS} {ARCH}, {cores}{processor}, {product}, {rustc}")
}

/// The processor's name, where Linux tells it.
fn processor() -> Option<String> {
    let information = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = information.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
