//! Chinook on PostgreSQL: a schema of its own for each test.

use super::server::{GROWING, chinook_on_server};
pub(crate) use crate::support::postgres::{Conn, run};
use crate::support::postgres::{Place, Server};

/// Who was faster is found out by the version.
pub(crate) const ONE_WRITER_AT_A_TIME: bool = false;

const LIST_TABLES: &str = "
    SELECT table_name::text AS line FROM information_schema.tables
    WHERE table_schema = current_schema() ORDER BY 1";

fn list_columns(table: &str) -> String {
    format!(
        "SELECT column_name::text AS line FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
    )
}

fn quoted(name: &str) -> String {
    format!(r#""{name}""#)
}

fn literal(column: &str) -> String {
    format!("quote_nullable({})", quoted(column))
}

const VERSION: &str = "version::text";

const BEFORE_SCRIPT: &str = "";

/// Gives the tables and columns, `invoice_line_id` on PostgreSQL, the names that they have on the
/// other databases, so that one schema serves all: `InvoiceLineId`.
const RENAME: &str = r#"
    CREATE FUNCTION pg_temp.pascal_case(name text) RETURNS text LANGUAGE sql AS
        $$ SELECT replace(initcap(name), '_', '') $$;
    DO $$
    DECLARE old record;
    BEGIN
        FOR old IN
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = current_schema()
        LOOP
            EXECUTE format('ALTER TABLE %I RENAME COLUMN %I TO %I',
                old.table_name, old.column_name, pg_temp.pascal_case(old.column_name));
        END LOOP;
        FOR old IN
            SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()
        LOOP
            EXECUTE format('ALTER TABLE %I RENAME TO %I',
                old.table_name, pg_temp.pascal_case(old.table_name));
        END LOOP;
    END $$"#;

fn adapt(conn: &mut Conn) {
    run(RENAME, conn);
    for (table, column) in GROWING {
        run(&format!(r#"ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE text"#), conn);
    }
}

/// The server's files are out of its clients' reach.
pub(crate) fn assert_undamaged(_: &mut Conn) {}

chinook_on_server! { script: "postgresql.sql", place: Postgres }
