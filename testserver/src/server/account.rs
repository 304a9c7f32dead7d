//! The account that a server runs as: the task's own, or, for root, one that servers accept.

use std::{
    io,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use crate::{Outcome, program};

/// An account other than the task's own.
#[derive(Debug)]
pub(super) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// None if the task's own account will do.
    pub(super) fn instead_of_root(names: &[&str]) -> Outcome<Option<Self>> {
        if id(&["-u"]) != Some(0) {
            return Ok(None);
        }
        let known =
            |name: &&str| Some(Self { user: id(&["-u", name])?, group: id(&["-g", name])? });
        names.iter().find_map(known).map(Some).ok_or_else(|| {
            format!(
                "Root may not run the server and there is no account {}; create one with \
                 `useradd --system {}`.",
                names.join(" or "),
                names.first().copied().unwrap_or_default()
            )
        })
    }

    pub(super) fn give(&self, folder: &Path) -> io::Result<()> {
        chown(folder, Some(self.user), Some(self.group))
    }

    /// Has the command run as this account, without the groups of root.
    pub(super) fn take(&self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    program::answer("id", arguments)?.parse().ok()
}
