//! Finds a program that a task needs, or installs it below the target directory.

use std::{
    env,
    path::{self, Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Outcome, cargo::cargo, shell, steps::Steps, workspace::Workspace};

/// Set to 1, it forbids to install anything.
const NO_INSTALL: &str = "NOCLOBBER_NO_INSTALL";

/// Whether missing things may be installed.
pub(crate) fn may_install() -> bool {
    env::var_os(NO_INSTALL).is_none_or(|value| value != "1")
}

/// A program from crates.io.
pub(crate) struct Tool {
    /// The name of the program.
    pub(crate) binary: &'static str,
    /// What a sentence calls it.
    pub(crate) wanted: &'static str,
    /// The environment variable by which a user may name the program.
    pub(crate) variable: Option<&'static str>,
    /// Judges what the program prints for `--version`.
    pub(crate) suits: fn(&str) -> bool,
    /// The arguments with which cargo installs the tested version.
    pub(crate) install: &'static str,
}

impl Tool {
    /// The absolute path of the program, which is installed if it is nowhere and may be.
    pub(crate) fn ensure(&self, workspace: &Workspace, steps: &mut Steps) -> Outcome<PathBuf> {
        let own = workspace.target.join("tools");
        if let Some(found) = self.find(&own)? {
            return Ok(found);
        }
        if !may_install() {
            return Err(self.missing());
        }
        let mut install = cargo(self.install);
        install.arg("--root").arg(&own);
        steps.run(&format!("install {}", self.binary), install)?;
        Ok(self.below(&own))
    }

    fn find(&self, own: &Path) -> Outcome<Option<PathBuf>> {
        if let Some(named) = self.named()? {
            return Ok(Some(named));
        }
        let path = env::var_os("PATH").unwrap_or_default();
        Ok(env::split_paths(&path)
            .map(|directory| directory.join(self.file_name()))
            .chain([self.below(own)])
            .filter(|candidate| self.is(candidate))
            .find_map(|candidate| path::absolute(candidate).ok()))
    }

    /// The program that the user named; to pass over a wrong one would hide the mistake.
    fn named(&self) -> Outcome<Option<PathBuf>> {
        let Some((variable, value)) = self.variable.and_then(|v| Some((v, env::var_os(v)?))) else {
            return Ok(None);
        };
        match path::absolute(value) {
            Ok(program) if self.is(&program) => Ok(Some(program)),
            _ => Err(format!(
                "{variable} does not name {}; correct it, or unset it to have one found.",
                self.wanted
            )),
        }
    }

    fn is(&self, program: &Path) -> bool {
        program.is_file()
            && Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok_and(
                |output| {
                    output.status.success()
                        && (self.suits)(&String::from_utf8_lossy(&output.stdout))
                },
            )
    }

    fn below(&self, root: &Path) -> PathBuf {
        root.join("bin").join(self.file_name())
    }

    fn file_name(&self) -> String {
        format!("{}{}", self.binary, env::consts::EXE_SUFFIX)
    }

    fn missing(&self) -> String {
        format!(
            "Install {} with `{}`, or unset {NO_INSTALL} to have this done for you.",
            self.wanted,
            shell::line(&cargo(self.install))
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Tool;
    use crate::{diesel_cli::DIESEL_CLI, typos::TYPOS};

    #[test]
    fn a_missing_tool_is_asked_for_by_the_command_that_installs_it() {
        assert_eq!(
            TYPOS.missing(),
            "Install the spelling checker typos with `cargo install typos-cli --version 1.52.0 \
             --locked`, or unset NOCLOBBER_NO_INSTALL to have this done for you."
        );
    }

    #[test]
    fn a_program_that_prints_something_else_is_not_the_tool() {
        let cargo = crate::cargo::program();
        assert!(!DIESEL_CLI.is(Path::new(&cargo)));
    }

    #[test]
    fn a_file_that_is_not_there_is_not_the_tool() {
        let anything = Tool { suits: |_| true, ..DIESEL_CLI };
        assert!(!anything.is(Path::new("/no/such/program")));
    }
}
