//! Looks for programs that are installed already.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The directories of `PATH`.
pub fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

/// The first of the directories' files that has one of the names; an earlier name is preferred.
pub fn find(names: &[&str], directories: &[PathBuf]) -> Option<PathBuf> {
    names
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)))
        .find(|file| file.is_file())
}

/// What the program prints, without the white space around it, unless it fails or is not there.
pub fn answer(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program.as_ref())
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| printed.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{answer, find};

    #[test]
    fn the_preferred_name_wins_over_the_earlier_directory() -> std::io::Result<()> {
        let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let directories = [first.path().to_owned(), second.path().to_owned()];
        fs::write(first.path().join("mysqld"), "")?;
        fs::write(second.path().join("mariadbd"), "")?;

        let found = find(&["mariadbd", "mysqld"], &directories);
        assert_eq!(found, Some(second.path().join("mariadbd")));
        assert_eq!(find(&["postgres"], &directories), None);
        Ok(())
    }

    #[test]
    fn a_failing_or_absent_program_gives_no_answer() {
        assert_eq!(answer("no-such-program", &[]), None);
        assert_eq!(answer(env!("CARGO"), &["no-such-command"]), None);
    }
}
