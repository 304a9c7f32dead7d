//! A command as the line that repeats it in a terminal.

use std::{ffi::OsStr, process::Command};

use crate::cargo;

/// The command with the environment it was given, quoted for a shell.
pub(crate) fn line(command: &Command) -> String {
    let environment = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.display(), quoted(value?))));
    let program = if command.get_program() == cargo::program() {
        // Cargo hands on its full path, which nobody types.
        "cargo".to_owned()
    } else {
        quoted(command.get_program())
    };
    environment.chain([program]).chain(command.get_args().map(quoted)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::line;
    use crate::cargo::cargo;

    #[test]
    fn the_environment_stands_before_the_command() {
        let mut command = cargo("doc --no-deps");
        command.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn what_a_shell_would_split_is_quoted() {
        let mut command = Command::new("/opt/my tools/typos");
        command.args(["it's", ""]);
        assert_eq!(line(&command), r"'/opt/my tools/typos' 'it'\''s' ''");
    }
}
