//! `save` and `touch`: one guarded statement, and what its answer means.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found};

use crate::support::{
    Document, Witness, documents, on_databases_that_can_veto, on_every_database, on_sqlite,
};

const UPDATE: &str = "UPDATE \"documents\" SET \"title\" = ?, \"body\" = ?, \"version\" = \"version\" + 1 \
                      WHERE \"id\" = ? AND \"version\" = ?";

on_every_database! {
    fn a_save_is_exactly_one_update(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        let saved = Document { title: "final".into(), ..draft }.save(conn).unwrap();
        assert_eq!(witness.sent(), [UPDATE]);
        assert_eq!(saved.version, 2);
        assert_eq!(row(saved.id, conn), Some(saved));
    }

    fn the_statement_is_prepared_once(conn) {
        let mut draft = document("draft", conn);
        let witness = Witness::of(conn);
        for body in [Some("a"), None, Some("b")] {
            let changed = Document { body: body.map(str::to_owned), ..draft };
            draft = changed.save(conn).unwrap();
        }
        assert_eq!(witness.cached(), [UPDATE]);
        assert_eq!(witness.sent().len(), 3);
    }

    fn a_stale_save_is_refused_and_changes_nothing(conn) {
        let stale = document("draft", conn);
        let saved = Document { title: "first".into(), ..stale.clone() }.save(conn).unwrap();
        let witness = Witness::of(conn);
        let error = Document { title: "second".into(), ..stale }.save(conn).unwrap_err();
        assert_eq!(
            witness.sent(),
            [UPDATE, &format!("SELECT \"version\" FROM \"documents\" WHERE \"id\" = ?{LOOK}")]
        );
        let conflict = error.conflict().unwrap();
        assert_eq!(conflict.record().to_string(), format!("documents {}", saved.id));
        assert_eq!(conflict.expected(), "1");
        assert_eq!(*conflict.found(), Found::Version("2".into()));
        assert_eq!(row(saved.id, conn), Some(saved));
    }

    fn a_save_of_a_deleted_record_finds_it_deleted(conn) {
        let stale = document("draft", conn);
        stale.clone().delete(conn).unwrap();
        let error = stale.save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
    }

    fn none_is_written_as_null(conn) {
        let draft = document("draft", conn);
        assert!(draft.body.is_some());
        let saved = Document { body: None, ..draft }.save(conn).unwrap();
        assert_eq!(row(saved.id, conn).unwrap().body, None);
    }

    fn an_unguarded_column_is_never_written_back(conn) {
        let stale = document("draft", conn);
        Document::increment(stale.id, documents::views, 5, conn).unwrap();
        assert_eq!(stale.views, 0);
        let saved = Document { title: "final".into(), ..stale }.save(conn).unwrap();
        assert_eq!(row(saved.id, conn).unwrap().views, 5);
    }

    fn a_touch_moves_the_version_and_nothing_else(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        let touched = draft.clone().touch(conn).unwrap();
        assert_eq!(
            witness.sent(),
            ["UPDATE \"documents\" SET \"version\" = \"version\" + 1 WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert_eq!(touched, Document { version: 2, ..draft.clone() });
        assert_eq!(row(draft.id, conn), Some(touched));
        assert!(draft.touch(conn).unwrap_err().is_conflict());
    }

    fn a_failing_trigger_leaves_the_row_whole(conn) {
        let draft = document("draft", conn);
        run(FAIL, conn);
        let error = Document { title: "never".into(), ..draft.clone() }.save(conn).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn a_violated_constraint_leaves_the_row_whole(conn) {
        let draft = document("draft", conn);
        let error = Document { title: "forbidden".into(), ..draft.clone() }.save(conn).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn a_version_at_its_maximum_is_never_wrapped(conn) {
        let draft = document("draft", conn);
        run("UPDATE documents SET version = 9223372036854775807", conn);
        let last = draft.reload(conn).unwrap();
        let witness = Witness::of(conn);
        let error = last.clone().save(conn).unwrap_err();
        assert!(matches!(error, Error::VersionExhausted { .. }), "{error:?}");
        let error = Document::patch(last.id, last.version, documents::title.eq("x"), conn);
        assert!(matches!(error, Err(Error::VersionExhausted { .. })), "{error:?}");
        assert!(witness.sent().is_empty());
        last.delete(conn).unwrap();
    }

    fn a_save_inside_a_transaction_joins_it_without_a_savepoint(conn) {
        let draft = document("draft", conn);
        conn.transaction(|conn| {
            let witness = Witness::of(conn);
            draft.save(conn).unwrap();
            assert_eq!(witness.sent(), [UPDATE]);
            QueryResult::Ok(())
        })
        .unwrap();
    }

    fn a_model_that_any_query_loaded_can_be_saved(conn) {
        document("a", conn);
        document("b", conn);
        let loaded = Document::query().order(documents::id.desc()).load(conn).unwrap();
        let saved: Vec<_> =
            loaded.into_iter().map(|document| document.save(conn)).collect::<Result<_, _>>().unwrap();
        assert!(saved.iter().all(|document| document.version == 2));
    }

    fn a_database_without_a_locks_table_will_do(conn) {
        assert!(conn.batch_execute("SELECT 1 FROM locks").is_err());
        document("draft", conn).save(conn).unwrap().delete(conn).unwrap();
    }
}

on_databases_that_can_veto! {
    fn a_save_that_a_trigger_keeps_from_the_row_is_vetoed(conn) {
        let draft = document("draft", conn);
        run(VETO, conn);
        let error = Document { title: "never".into(), ..draft.clone() }.save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Vetoed);
        assert_eq!(row(draft.id, conn), Some(draft));
    }
}

on_sqlite! {
    fn a_failing_look_never_hides_the_conflict(conn) {
        // A version that is NULL matches nothing and cannot be read.
        run(
            "DROP TABLE documents;
             CREATE TABLE documents (id BIGINT, title TEXT, body TEXT, views BIGINT, version BIGINT);
             INSERT INTO documents VALUES (1, 'draft', NULL, 0, NULL)",
            conn,
        );
        let stale = Document { id: 1, title: "x".into(), body: None, views: 0, version: 1 };
        let error = stale.save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Unknown);
    }

    fn a_version_in_another_form_never_matches_and_loses_nothing(conn) {
        let draft = document("draft", conn);
        run(
            "CREATE TABLE copy (id INTEGER PRIMARY KEY, title TEXT, body TEXT, views BIGINT, version);
             INSERT INTO copy SELECT id, title, body, views, '0' || version FROM documents;
             DROP TABLE documents;
             ALTER TABLE copy RENAME TO documents",
            conn,
        );
        // Diesel reads the text `01` as 1, and binds 1, which is not `01`.
        let loaded = draft.reload(conn).unwrap();
        assert_eq!(loaded.version, 1);
        let error = loaded.save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Vetoed);
    }

    fn what_a_trigger_writes_in_the_place_of_a_save_is_reported_as_refused(conn) {
        let draft = document("draft", conn);
        run(
            "ALTER TABLE documents RENAME TO stored;
             CREATE VIEW documents AS SELECT * FROM stored;
             CREATE TRIGGER write_it INSTEAD OF UPDATE ON documents
             BEGIN UPDATE stored SET title = NEW.title, version = NEW.version WHERE id = OLD.id; END",
            conn,
        );
        // A limit that the documentation tells: SQLite counts no row for it.
        let error = Document { title: "written".into(), ..draft }.save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
    }

    fn a_column_that_the_database_maintains_is_left_to_it_when_unguarded(conn) {
        run(
            "CREATE TRIGGER maintain AFTER UPDATE OF title ON documents
             BEGIN UPDATE documents SET views = views + 100 WHERE id = NEW.id; END",
            conn,
        );
        let draft = document("draft", conn);
        let first = Document { title: "first".into(), ..draft }.save(conn).unwrap();
        let second = Document { title: "second".into(), ..first }.save(conn).unwrap();
        assert_eq!(row(second.id, conn).unwrap().views, 200);
    }
}
