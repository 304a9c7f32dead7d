//! Counts of rows: what they count, and what is no success.

use diesel::prelude::*;
use noclobber::error::Record;
use noclobber::prelude::*;
use noclobber::{Error, transaction};

#[cfg(feature = "mysql")]
use crate::support::on_mysql;
use crate::support::{Document, documents, on_every_database};

on_every_database! {
    /// Where changed rows were counted instead of found ones, a save of what is there was a conflict.
    fn a_save_that_changes_no_column_is_a_save(conn) {
        let draft = document("draft", conn);
        let saved = draft.clone().save(conn).unwrap();
        assert_eq!(saved, Document { version: 2, ..draft });
        let (title, same) = (saved.title.clone(), documents::title);
        assert_eq!(Document::patch(saved.id, 2, same.eq(&title), conn).unwrap(), 3);
        assert_eq!(row(saved.id, conn), Some(Document { version: 3, ..saved }));
    }

    /// A count that was not one was a warning, or was not looked at.
    fn a_count_of_two_is_no_success(conn) {
        run("DROP TABLE documents", conn);
        run(
            "CREATE TABLE documents (id BIGINT NOT NULL, title VARCHAR(20), body VARCHAR(20),
                                     views BIGINT NOT NULL, version BIGINT NOT NULL)",
            conn,
        );
        let created = "INSERT INTO documents VALUES (1, 'one', NULL, 0, 1), (1, 'other', NULL, 0, 1)";
        run(created, conn);
        let rows = |conn: &mut Conn| {
            let all = Document::query().order(documents::title.asc());
            all.load::<Document>(conn).unwrap()
        };
        let before = rows(conn);
        let one = before[0].clone();

        type Write = fn(Document, &mut Conn) -> noclobber::Result<()>;
        let writes: [Write; 5] = [
            |document, conn| document.save(conn).map(drop),
            |document, conn| document.touch(conn).map(drop),
            |document, conn| Document::patch(1, document.version, documents::body.eq("x"), conn).map(drop),
            |_, conn| Document::increment(1, documents::views, 1, conn),
            |document, conn| document.delete(conn),
        ];
        for write in writes {
            let answer = transaction(conn, |conn| write(one.clone(), conn));
            let Err(Error::KeyNotUnique { record, rows: 2 }) = answer else {
                panic!("{answer:?}");
            };
            assert_eq!(record, Record::new("documents", "1"));
            assert_eq!(rows(conn), before);
        }
        // Alone, what was written stays, and is told all the same.
        let alone = one.save(conn).unwrap_err();
        assert!(matches!(alone, Error::KeyNotUnique { rows: 2, .. }), "{alone:?}");
    }
}

#[cfg(feature = "mysql")]
mod of_mysql {
    use diesel::sql_types::Text;

    use super::*;

    /// How many rows the server itself has changed for this connection.
    fn changed(conn: &mut MysqlConnection) -> u64 {
        #[derive(QueryableByName)]
        struct Status {
            #[diesel(sql_type = Text, column_name = "Value")]
            value: String,
        }
        let status = diesel::sql_query("SHOW SESSION STATUS LIKE 'Handler_update'");
        status.get_result::<Status>(conn).unwrap().value.parse().unwrap()
    }

    on_mysql! {
        /// Diesel asks for the rows that were found.
        fn a_row_that_was_found_counts_where_none_was_changed(conn) {
            document("draft", conn);
            let before = changed(conn);
            let same = diesel::update(documents::table).set(documents::title.eq("draft"));
            assert_eq!(same.execute(conn), Ok(1));
            assert_eq!(changed(conn), before);
        }

        /// And where it did not ask (another driver, a proxy), both counts are the same: the version
        /// changes with every write.
        fn every_write_changes_the_row_that_it_finds(conn) {
            let draft = document("draft", conn);
            let before = changed(conn);
            let saved = draft.save(conn).unwrap();
            assert_eq!(changed(conn), before + 1);
            let touched = saved.touch(conn).unwrap();
            assert_eq!(changed(conn), before + 2);
            let title = documents::title.eq("draft");
            Document::patch(touched.id, touched.version, title, conn).unwrap();
            assert_eq!(changed(conn), before + 3);
        }
    }
}
