//! Diesel's command line, for the test that runs the migrations as a user would.

use crate::tool::Tool;

/// Names the binary, to this task and to the tests.
pub(crate) const VARIABLE: &str = "NOCLOBBER_DIESEL_CLI";

pub(crate) const DIESEL_CLI: Tool = Tool {
    binary: "diesel",
    wanted: "Diesel's command line (2.3 or later, with SQLite)",
    variable: Some(VARIABLE),
    suits,
    install: "install diesel_cli --version 2.3.14 --locked \
              --no-default-features --features sqlite-bundled",
};

/// Judges what `diesel --version` printed.
fn suits(printed: &str) -> bool {
    version(printed).is_some_and(|version| version >= (2, 3))
        && field(printed, "Supported Backends:")
            .is_some_and(|backends| backends.split_whitespace().any(|name| name == "sqlite"))
}

/// Major and minor number.
fn version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = field(printed, "Version:")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn field<'a>(printed: &'a str, name: &str) -> Option<&'a str> {
    printed.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::{suits, version};

    fn printed(version: &str, backends: &str) -> String {
        format!("diesel \n Version: {version}\n Supported Backends: {backends}\n")
    }

    #[test]
    fn the_version_is_read_from_its_line() {
        assert_eq!(version(&printed("2.3.14", "sqlite")), Some((2, 3)));
        assert_eq!(version(&printed("3.0.0-rc.1", "sqlite")), Some((3, 0)));
        // As it was printed before 2.2.
        assert_eq!(version("diesel 2.1.1\n"), None);
    }

    #[test]
    fn two_three_and_later_suit() {
        assert!(suits(&printed("2.3.0", "postgres sqlite mysql")));
        assert!(suits(&printed("2.10.0", "sqlite")));
        assert!(suits(&printed("3.0.0", "sqlite")));
    }

    #[test]
    fn older_ones_do_not() {
        assert!(!suits(&printed("2.2.12", "sqlite")));
        assert!(!suits(&printed("1.9.0", "sqlite")));
    }

    #[test]
    fn without_sqlite_none_does() {
        assert!(!suits(&printed("2.3.14", "postgres mysql")));
        assert!(!suits("no such thing"));
    }
}
