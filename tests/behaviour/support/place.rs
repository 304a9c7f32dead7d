//! Where a database is, told from one process to another.

use serde::{Deserialize, Serialize};

/// A database on which processes work together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Place {
    Sqlite(super::database::Place),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::Place),
    #[cfg(feature = "mysql")]
    Mysql(super::mysql::Place),
}
