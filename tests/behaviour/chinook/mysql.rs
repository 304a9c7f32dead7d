//! Chinook on MySQL and MariaDB: a database of its own for each test.

use super::server::{GROWING, chinook_on_server};
pub(crate) use crate::support::mysql::{Conn, run};
use crate::support::mysql::{Place, Server};

/// Who was faster is found out by the version.
pub(crate) const ONE_WRITER_AT_A_TIME: bool = false;

const LIST_TABLES: &str = "
    SELECT table_name AS line FROM information_schema.tables
    WHERE table_schema = database() ORDER BY 1";

fn list_columns(table: &str) -> String {
    format!(
        "SELECT column_name AS line FROM information_schema.columns
         WHERE table_schema = database() AND table_name = '{table}' ORDER BY ordinal_position"
    )
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

fn literal(column: &str) -> String {
    format!("quote({})", quoted(column))
}

const VERSION: &str = "cast(version AS char)";

/// The script is in order. To check each of its references would take half as long again.
const BEFORE_SCRIPT: &str = "SET foreign_key_checks = 0, unique_checks = 0;";

fn adapt(conn: &mut Conn) {
    for (table, column) in GROWING {
        // The national one of the script: a change of its character set would change the texts.
        run(&format!("ALTER TABLE `{table}` MODIFY `{column}` NVARCHAR(10000)"), conn);
    }
}

/// The server's files are out of its clients' reach.
pub(crate) fn assert_undamaged(_: &mut Conn) {}

chinook_on_server! { script: "mysql.sql", place: Mysql }
