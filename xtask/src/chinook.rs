//! The Chinook sample database, which some tests read and nobody is asked to download.

use std::{
    env,
    path::{self, Path, PathBuf},
};

use crate::Outcome;

/// Names the directory of the sample database, to this task and to the tests.
pub(crate) const VARIABLE: &str = "NOCLOBBER_CHINOOK";

/// Where the sample database is looked for, as an absolute path.
pub(crate) fn directory(root: &Path) -> Outcome<PathBuf> {
    let directory = match env::var_os(VARIABLE) {
        Some(directory) => PathBuf::from(directory),
        None => root.join("../shared/data/chinook"),
    };
    // The tests run in another directory.
    path::absolute(&directory)
        .map_err(|error| format!("Set {VARIABLE} to the directory of the sample: {error}."))
}

/// Whether the script that the tests load is there.
pub(crate) fn is_in(directory: &Path) -> bool {
    directory.join("sqlite.sql").is_file()
}

/// What is said when it is not.
pub(crate) fn skipped(directory: &Path) -> String {
    format!("skipped: the Chinook tests (no sqlite.sql in {}; set {VARIABLE})", directory.display())
}
