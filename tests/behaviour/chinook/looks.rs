//! What is in a copy of Chinook in fact: its rows and versions, read without the models.

/// Looks at a database past the models, for one type of connection.
///
/// The module that this stands in says how its database spells things: `LIST_TABLES` and
/// `list_columns` select names, `quoted` makes an identifier of one, `literal` is SQL for the literal
/// of a column's value, `VERSION` for the version as a text.
macro_rules! looks {
    () => {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            line: String,
        }

        /// What a query selects as `line`.
        pub(crate) fn lines(query: &str, conn: &mut Conn) -> Vec<String> {
            let lines: Vec<Line> =
                diesel::RunQueryDsl::load(diesel::sql_query(query), conn).unwrap();
            lines.into_iter().map(|Line { line }| line).collect()
        }

        /// Every row of the table to the last bit: the literal of each value, but for the version.
        pub(crate) fn bits(table: &str, conn: &mut Conn) -> Vec<String> {
            let values: Vec<String> = lines(&list_columns(table), conn)
                .iter()
                .filter(|column| *column != "version")
                .map(|column| format!("concat('{column}: ', {})", literal(column)))
                .collect();
            let (values, table) = (values.join(", "), quoted(table));
            lines(
                &format!("SELECT concat_ws(', ', {values}) AS line FROM {table} ORDER BY 1"),
                conn,
            )
        }

        /// The literal of one value, in the row with this key.
        pub(crate) fn value(table: &str, key: i32, column: &str, conn: &mut Conn) -> String {
            let (value, key_column) = (literal(column), quoted(&format!("{table}Id")));
            let table = quoted(table);
            let query = format!("SELECT {value} AS line FROM {table} WHERE {key_column} = {key}");
            lines(&query, conn).remove(0)
        }

        /// The versions that occur in the table.
        pub(crate) fn versions(table: &str, conn: &mut Conn) -> Vec<String> {
            let table = quoted(table);
            lines(&format!("SELECT DISTINCT {VERSION} AS line FROM {table} ORDER BY 1"), conn)
        }

        /// Puts a version behind the columns of every table. The rows that are there begin at 1.
        fn add_versions(conn: &mut Conn) {
            for table in $crate::chinook::database::TABLES.map(quoted) {
                let add =
                    format!("ALTER TABLE {table} ADD COLUMN version BIGINT NOT NULL DEFAULT 1");
                run(&add, conn);
            }
        }

        #[test]
        fn adding_versions_changes_nothing_else() {
            use $crate::chinook::database::TABLES;

            let Some(chinook) = Chinook::as_it_comes() else { return };
            let conn = &mut chinook.connect();
            assert_eq!(lines(LIST_TABLES, conn), TABLES);
            let before = TABLES.map(|table| bits(table, conn));
            assert_eq!(before.iter().map(Vec::len).sum::<usize>(), 15_607);

            add_versions(conn);

            assert_eq!(TABLES.map(|table| bits(table, conn)), before);
            for table in TABLES {
                assert_eq!(versions(table, conn), ["1"], "{table}");
            }
        }
    };
}

pub(crate) use looks;
