//! Tells the benchmark which compiler built it: a measurement without it cannot be compared.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_else(|| "rustc of unknown version".to_owned());
    println!("cargo::rustc-env=BENCH_RUSTC_VERSION={}", version.trim());
}
