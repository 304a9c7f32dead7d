//! `create`: an insert with the first version, and the row as the database made it.

use diesel::prelude::*;
use noclobber::Error;
use noclobber::prelude::*;

use crate::support::{Document, Witness, documents, on_every_database, on_sqlite};

#[derive(Insertable)]
#[diesel(table_name = documents)]
struct NewDocument<'a> {
    title: &'a str,
    body: Option<&'a str>,
}

on_every_database! {
    fn a_new_record_starts_at_version_one(conn) {
        let new = NewDocument { title: "draft", body: None };
        let created = Document::create(&new, conn).unwrap();
        assert_eq!(created.version, 1);
        assert_eq!(row(created.id, conn), Some(created));
    }

    fn the_version_is_added_to_what_is_inserted(conn) {
        let witness = Witness::of(conn);
        Document::create(NewDocument { title: "draft", body: Some("text") }, conn).unwrap();
        let inserts: Vec<_> =
            witness.sent().into_iter().filter(|sql| sql.starts_with("INSERT")).collect();
        let insert = "INSERT INTO \"documents\" (\"version\", \"title\", \"body\") VALUES (?, ?, ?)";
        assert_eq!(inserts, [format!("{insert}{RETURNING}")]);
    }

    fn a_key_that_the_caller_knows_is_the_key(conn) {
        let new = (documents::id.eq(70), documents::title.eq("known"));
        let created = Document::create_with(70, new, conn).unwrap();
        assert_eq!((created.id, created.version), (70, 1));
        assert_eq!(row(70, conn), Some(created));
    }

    /// The same values, and two statements: only one of them answers with the key.
    fn a_key_is_told_after_one_was_known(conn) {
        let first = Document::create_with(1, documents::title.eq("first"), conn).unwrap();
        let second = Document::create(documents::title.eq("second"), conn).unwrap();
        assert_eq!((first.id, second.id), (1, 2));
        let third = Document::create_with(3, documents::title.eq("third"), conn).unwrap();
        assert_eq!(row(3, conn), Some(third));
    }

    fn a_key_that_is_not_the_callers_is_an_error_and_creates_nothing(conn) {
        let new = (documents::id.eq(70), documents::title.eq("known"));
        let error = Document::create_with(71, new, conn).unwrap_err();
        assert!(matches!(error, Error::NotCreated { .. }), "{error:?}");
        assert_eq!(documents::table.count().get_result(conn), Ok(0_i64));
    }

    fn a_unique_violation_is_the_databases_own_error(conn) {
        let first = Document::create(documents::title.eq("first"), conn).unwrap();
        let again = (documents::id.eq(first.id), documents::title.eq("second"));
        let error = Document::create_with(first.id, again, conn).unwrap_err();
        let unique = diesel::result::DatabaseErrorKind::UniqueViolation;
        assert!(matches!(
            error,
            Error::Database(diesel::result::Error::DatabaseError(kind, _)) if
                std::mem::discriminant(&kind) == std::mem::discriminant(&unique)
        ));
    }
}

on_sqlite! {
    fn anything_that_diesel_inserts_will_do(conn) {
        let by_column = Document::create(documents::title.eq("column"), conn).unwrap();
        let by_tuple =
            Document::create((documents::id.eq(70), documents::title.eq("tuple")), conn).unwrap();
        let owned = Document::create(NewDocument { title: "struct", body: None }, conn).unwrap();
        assert_eq!((by_column.id, by_tuple.id, owned.id), (1, 70, 71));
    }

    fn the_first_version_is_not_for_the_caller_to_choose(conn) {
        let new = (documents::title.eq("draft"), documents::version.eq(77));
        let created = Document::create(new, conn).unwrap();
        assert_eq!(created.version, 1);
        assert_eq!(row(created.id, conn), Some(created));
    }

    fn what_defaults_and_triggers_put_into_the_row_is_in_the_model(conn) {
        run(
            "CREATE TRIGGER greet AFTER INSERT ON documents
             BEGIN UPDATE documents SET body = 'Dear ' || title WHERE id = NEW.id; END",
            conn,
        );
        let created = Document::create(documents::title.eq("reader"), conn).unwrap();
        assert_eq!(created.body.as_deref(), Some("Dear reader"));
        created.save(conn).unwrap();
    }

    fn a_dropped_insert_is_told(conn) {
        run("CREATE TRIGGER drop_it BEFORE INSERT ON documents BEGIN SELECT RAISE(IGNORE); END", conn);
        let error = Document::create(documents::title.eq("never"), conn).unwrap_err();
        assert!(matches!(error, Error::NotCreated { table: "documents" }), "{error:?}");
    }

    fn an_error_after_the_insert_takes_the_row_back(conn) {
        run(
            "CREATE TABLE log (id BIGINT);
             CREATE TRIGGER gone AFTER INSERT ON documents
             BEGIN DELETE FROM documents WHERE id = NEW.id; INSERT INTO log VALUES (NEW.id); END",
            conn,
        );
        let swallowed = conn.transaction(|conn| {
            let error = Document::create(documents::title.eq("gone"), conn).unwrap_err();
            assert!(matches!(error, Error::NotCreated { .. }), "{error:?}");
            QueryResult::Ok(())
        });
        assert_eq!(swallowed, Ok(()));
        let log = diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT count(*) FROM log)");
        assert_eq!(diesel::select(log).get_result::<i64>(conn), Ok(0));
    }
}
