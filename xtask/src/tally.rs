//! How many tests ran, so that a suite that silently shrank is seen.

use std::fmt::{self, Display, Formatter};

/// Tests that passed, and tests that were not run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    ignored: usize,
}

/// Adds up the result lines in what `cargo test` printed, one per test binary.
pub(crate) fn count(output: &str) -> Tally {
    let mut tally = Tally::default();
    for result in output.lines().filter_map(|line| line.strip_prefix("test result: ok. ")) {
        for part in result.split("; ") {
            match part.split_once(' ') {
                Some((number, "passed")) => tally.passed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => tally.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    tally
}

impl Tally {
    /// Whether nothing ran at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.passed == 0
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // A suite with a failure has ended before it is counted.
        write!(f, "{} passed, 0 failed", self.passed)?;
        if self.ignored > 0 {
            write!(f, ", {} skipped", self.ignored)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, count};

    #[test]
    fn the_results_of_all_binaries_are_added_up() {
        let output = "\
running 3 tests
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests noclobber
test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        let tally = count(output);
        assert_eq!(tally, Tally { passed: 42, ignored: 1 });
        assert_eq!(tally.to_string(), "42 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn no_result_line_means_no_test() {
        assert!(count("Compiling noclobber").is_empty());
    }
}
