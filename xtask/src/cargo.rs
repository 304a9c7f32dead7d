//! Calls of cargo from within a task.

use std::{env, ffi::OsString, process::Command};

/// The cargo that started this task, so that `cargo +beta xtask …` stays with its toolchain.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A call of cargo, written as in a terminal; what may contain a space is added by `arg`.
pub(crate) fn cargo(line: &str) -> Command {
    let mut command = Command::new(program());
    command.args(line.split_whitespace());
    command
}
