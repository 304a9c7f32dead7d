//! Packages of Debian and its kin, for what cargo cannot build.
//!
//! Installed as root only, where that is the way of the system: in a container, as a rule. There the
//! packages start no service of their own, for want of systemd; on a machine with systemd they do,
//! as after any installation, and the tests take no notice of it.

use std::{path::Path, process::Command};

use testserver::program;

use crate::{Outcome, steps::Steps, tool};

/// Something that a package brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    /// The name of the package.
    pub(crate) name: &'static str,
    /// What a sentence calls that which it brings.
    pub(crate) wanted: &'static str,
    /// Whether it is here already, from this package or from anywhere else.
    pub(crate) is_here: fn() -> bool,
    /// The environment variable by which a user may name a running server instead.
    pub(crate) instead: Option<&'static str>,
}

/// Installs what is missing, or says what to install.
pub(crate) fn ensure(packages: &[Package], steps: &mut Steps) -> Outcome<()> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    if !(tool::may_install() && is_possible()) {
        return Err(sentence(&missing));
    }
    steps.run("update the lists of packages", apt_get("update"))?;
    let mut install = apt_get("install -y --no-install-recommends --no-remove");
    install.args(missing.iter().map(|package| package.name));
    steps.run(&format!("install {}", names(&missing).replace(' ', ", ")), install)?;

    let absent = self::missing(&missing);
    if absent.is_empty() { Ok(()) } else { Err(sentence(&absent)) }
}

fn missing(packages: &[Package]) -> Vec<Package> {
    packages.iter().filter(|package| !(package.is_here)()).copied().collect()
}

/// Whether packages can be installed without asking anybody.
fn is_possible() -> bool {
    Path::new("/etc/debian_version").exists()
        && program::find(&["apt-get"], &program::search_path()).is_some()
        && program::answer("id", &["-u"]).is_some_and(|user| user == "0")
}

fn apt_get(line: &str) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // Another run may be installing the same.
    command.args(["-o", "DPkg::Lock::Timeout=300"]).args(line.split_whitespace());
    command
}

fn names(packages: &[Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ")
}

fn sentence(missing: &[Package]) -> String {
    let wanted: Vec<&str> = missing.iter().map(|package| package.wanted).collect();
    let mut sentence =
        format!("Install {} (on Debian: `apt-get install {}`)", listed(&wanted), names(missing));
    let instead: Vec<&str> = missing.iter().filter_map(|package| package.instead).collect();
    if !instead.is_empty() {
        sentence += &format!(", or set {} to the URL of a running server", listed(&instead));
    }
    sentence + "."
}

fn listed(things: &[&str]) -> String {
    match things {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => things.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Package, listed, missing, sentence};

    const LIBRARY: Package =
        Package { name: "libthat", wanted: "its library", is_here: || false, instead: None };
    const SERVER: Package = Package {
        name: "that",
        wanted: "the server",
        is_here: || false,
        instead: Some("THAT_URL"),
    };

    #[test]
    fn what_is_here_is_not_asked_for() {
        let here = Package { is_here: || true, ..LIBRARY };
        assert!(missing(&[here]).is_empty());
        assert_eq!(missing(&[here, SERVER]).len(), 1);
    }

    #[test]
    fn a_list_is_read_like_a_sentence() {
        assert_eq!(listed(&["one"]), "one");
        assert_eq!(listed(&["one", "two", "three"]), "one, two and three");
    }

    #[test]
    fn one_sentence_names_all_that_is_missing() {
        assert_eq!(
            sentence(&[LIBRARY, SERVER]),
            "Install its library and the server (on Debian: `apt-get install libthat that`), or \
             set THAT_URL to the URL of a running server."
        );
        assert!(sentence(&[LIBRARY]).ends_with("`apt-get install libthat`)."));
    }
}
