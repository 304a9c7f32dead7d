//! The Chinook sample database, which some tests read and nobody is asked to download.

use std::{
    env,
    path::{self, Path, PathBuf},
};

use crate::{Outcome, database::Database};

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

/// The scripts of these databases that are not there.
pub(crate) fn missing(directory: &Path, databases: &[Database]) -> Vec<&'static str> {
    databases
        .iter()
        .map(|database| script(*database))
        .filter(|script| !directory.join(script).is_file())
        .collect()
}

/// What the sample calls the script of a database.
fn script(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "sqlite.sql",
        Database::Postgres => "postgresql.sql",
        Database::Mysql => "mysql.sql",
    }
}

/// What is said when some are missing.
pub(crate) fn skipped(directory: &Path, missing: &[&str]) -> String {
    let (missing, directory) = (missing.join(" or "), directory.display());
    format!("skipped: Chinook tests (no {missing} in {directory}; set {VARIABLE})")
}

#[cfg(test)]
mod tests {
    use super::{missing, skipped};
    use crate::database::Database;

    #[test]
    fn only_the_scripts_of_the_picked_databases_are_missed() {
        let missing = |databases: &[Database]| missing("nowhere".as_ref(), databases);
        assert_eq!(missing(&Database::ALL), ["sqlite.sql", "postgresql.sql", "mysql.sql"]);

        let picked = missing(&[Database::Sqlite, Database::Mysql]);
        assert_eq!(
            skipped("nowhere".as_ref(), &picked),
            "skipped: Chinook tests (no sqlite.sql or mysql.sql in nowhere; set NOCLOBBER_CHINOOK)"
        );
    }
}
