//! Finds valgrind, and installs it where that is sure to disturb nobody: as root on Debian, which
//! is what a CI container is.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;

pub const MISSING: &str =
    "valgrind, which counts the instructions, is not there; install Debian's package `valgrind`";

/// Set to 1, it forbids to install anything.
const NO_INSTALL: &str = "NOCLOBBER_NO_INSTALL";

pub fn is_installed() -> bool {
    succeeds("valgrind", ["--version"])
}

/// Installs valgrind unless it is there.
pub fn require() -> Result<()> {
    if is_installed() {
        return Ok(());
    }
    let forbidden = env::var_os(NO_INSTALL).is_some_and(|value| value == "1");
    if forbidden || !Path::new("/etc/debian_version").exists() || !is_root() {
        return Err(MISSING.into());
    }
    eprintln!("{MISSING}: doing so with apt-get");
    // Whether the update succeeds does not matter: the package lists at hand may do.
    succeeds("apt-get", ["update"]);
    succeeds("apt-get", ["install", "-y", "--no-install-recommends", "valgrind"]);
    if is_installed() {
        Ok(())
    } else {
        Err(format!("{MISSING}, and apt-get could not install it").into())
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
