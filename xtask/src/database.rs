//! The databases that the suite and the benchmark run on.

use clap::ValueEnum;

use crate::Outcome;

/// A database, which has the name of the library's feature for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    Mysql,
}

impl Database {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Mysql];

    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    /// Names a running server, to this task and to the tests.
    pub(crate) const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("NOCLOBBER_POSTGRES_URL"),
            Self::Mysql => Some("NOCLOBBER_MYSQL_URL"),
        }
    }

    fn named(feature: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|database| database.feature() == feature)
    }

    /// The databases for which the library has a feature.
    pub(crate) fn available(features: &[String]) -> Vec<Self> {
        let known = |database: &Self| features.iter().any(|name| name == database.feature());
        Self::ALL.into_iter().filter(known).collect()
    }
}

/// What a run covers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) databases: Vec<Database>,
    /// The features of the library that are built; those of the databases left out are not.
    pub(crate) features: Vec<String>,
    /// Whether nothing was left out on purpose.
    pub(crate) everything: bool,
}

impl Selection {
    /// The picked databases, or all that the library has a feature for.
    pub(crate) fn of(picks: &[Database], features: &[String]) -> Outcome<Self> {
        let available = Database::available(features);
        if let Some(unknown) = picks.iter().find(|pick| !available.contains(pick)) {
            let known: Vec<&str> = available.iter().map(|database| database.feature()).collect();
            return Err(format!(
                "The library has no feature `{}`; pick from: {}.",
                unknown.feature(),
                known.join(", ")
            ));
        }
        let databases: Vec<Database> = available
            .into_iter()
            .filter(|database| picks.is_empty() || picks.contains(database))
            .collect();
        let features = features
            .iter()
            .filter(|name| Database::named(name).is_none_or(|it| databases.contains(&it)))
            .cloned()
            .collect();
        Ok(Self { databases, features, everything: picks.is_empty() })
    }

    pub(crate) fn has(&self, database: Database) -> bool {
        self.databases.contains(&database)
    }
}

#[cfg(test)]
mod tests {
    use super::{Database, Selection};

    fn features(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn without_a_pick_every_database_with_a_feature_is_covered() {
        let all = features("mysql postgres r2d2 sqlite uuid");
        let selection = Selection::of(&[], &all);
        assert_eq!(
            selection,
            Ok(Selection { databases: Database::ALL.into(), features: all, everything: true })
        );

        let selection = Selection::of(&[], &features("sqlite uuid"));
        assert!(selection.is_ok_and(|it| it.databases == [Database::Sqlite]));
    }

    #[test]
    fn a_pick_leaves_out_the_features_of_the_other_databases_only() {
        let picks = [Database::Mysql, Database::Mysql];
        assert_eq!(
            Selection::of(&picks, &features("mysql postgres r2d2 sqlite uuid")),
            Ok(Selection {
                databases: vec![Database::Mysql],
                features: features("mysql r2d2 uuid"),
                everything: false,
            })
        );
    }

    #[test]
    fn a_pick_without_a_feature_is_refused() {
        assert_eq!(
            Selection::of(&[Database::Postgres], &features("sqlite uuid")),
            Err("The library has no feature `postgres`; pick from: sqlite.".to_owned())
        );
    }
}
