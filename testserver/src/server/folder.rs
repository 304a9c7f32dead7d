//! A private folder with a server in it, and a janitor who clears both away.
//!
//! The janitor is a process of its own that waits for its input to end, which the system sees to
//! however the task ends. It stands in a process group of its own, so that Ctrl-C ends the task and
//! not the janitor.

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::account::Account;
use crate::Outcome;

/// Reads the server's process and the signal that ends it, and tidies up at the end of input.
const JANITOR: &str = r#"
while read -r process signal; do server=$process stop=$signal; done
if [ -n "${server:-}" ]; then
    kill -"$stop" "$server" 2>/dev/null
    tries=0
    while kill -0 "$server" 2>/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ]; then kill -KILL "$server" 2>/dev/null; fi
        sleep 0.05
    done
fi
rm -rf -- "$1"
"#;

/// A folder that only the server's account can read.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    account: Option<Account>,
    janitor: Child,
}

impl Folder {
    pub(super) fn new(name: &str, accounts: &[&str]) -> Outcome<Self> {
        let account = Account::instead_of_root(accounts)?;
        let failed = |error: io::Error| format!("{name} has no folder of its own: {error}.");
        // Root's own temporary folder may be closed to the account.
        let parent = if account.is_some() { PathBuf::from("/tmp") } else { env::temp_dir() };
        let folder = tempfile::Builder::new()
            .prefix("noclobber-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(failed)?;
        let janitor = janitor(folder.path()).map_err(failed)?;
        // From here on it is the janitor's.
        let folder = Self { path: folder.keep(), account, janitor };
        if let Some(account) = &folder.account {
            account.give(&folder.path).map_err(failed)?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(test)]
    pub(super) fn janitor(&self) -> u32 {
        self.janitor.id()
    }

    /// Has the command run in the folder, as the account that owns it.
    pub(super) fn inside(&self, mut command: Command) -> Command {
        command.current_dir(&self.path);
        if let Some(account) = &self.account {
            account.take(&mut command);
        }
        command
    }

    /// Tells the janitor which process to stop, and by which signal.
    pub(super) fn watch(&mut self, server: &Child, stop: &str) {
        self.say(&format!("{} {stop}", server.id()));
    }

    /// Tells the janitor that the process is gone, whose number another may get.
    pub(super) fn forget(&mut self) {
        self.say("");
    }

    fn say(&mut self, line: &str) {
        if let Some(input) = &mut self.janitor.stdin {
            // To a janitor who has died there is nothing to say; `drop` does without.
            let _ = writeln!(input, "{line}");
        }
    }

    /// Calls the janitor.
    pub(super) fn release(&mut self) {
        drop(self.janitor.stdin.take());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.release();
        let tidy = self.janitor.wait().is_ok_and(|status| status.success());
        if !tidy {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn janitor(folder: &Path) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", JANITOR, "janitor"])
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}
