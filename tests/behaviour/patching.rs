//! `patch` and `increment`: writes of some columns, without loading.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found};

use crate::support::{Document, Witness, documents, on_every_database, on_sqlite};

#[derive(AsChangeset)]
#[diesel(table_name = documents)]
struct Changes {
    title: Option<String>,
    body: Option<Option<String>>,
}

on_every_database! {
    fn a_patch_writes_only_what_it_names(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        let version = Document::patch(draft.id, 1, documents::title.eq("final"), conn).unwrap();
        assert_eq!(
            witness.sent(),
            ["UPDATE \"documents\" SET \"title\" = ?, \"version\" = ? WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert_eq!(version, 2);
        let patched = Document { title: "final".into(), version: 2, ..draft };
        assert_eq!(row(patched.id, conn), Some(patched));
    }

    fn a_changeset_leaves_out_what_is_none(conn) {
        let draft = document("draft", conn);
        let changes = Changes { title: None, body: Some(None) };
        Document::patch(draft.id, 1, changes, conn).unwrap();
        let patched = Document { body: None, version: 2, ..draft };
        assert_eq!(row(patched.id, conn), Some(patched));
    }

    fn a_patch_without_a_change_touches(conn) {
        let draft = document("draft", conn);
        let nothing = Changes { title: None, body: None };
        assert_eq!(Document::patch(draft.id, 1, nothing, conn).unwrap(), 2);
        assert_eq!(row(draft.id, conn), Some(Document { version: 2, ..draft }));
    }

    fn a_stale_patch_is_refused_and_changes_nothing(conn) {
        let draft = document("draft", conn).save(conn).unwrap();
        let error = Document::patch(draft.id, 1, documents::title.eq("late"), conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn a_patch_of_a_missing_record_finds_it_deleted(conn) {
        let error = Document::patch(404, 1, documents::title.eq("x"), conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
    }

    fn an_increment_adds_and_leaves_the_version(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        Document::increment(draft.id, documents::views, 3, conn).unwrap();
        assert_eq!(
            witness.sent(),
            ["UPDATE \"documents\" SET \"views\" = \"views\" + ? WHERE \"id\" = ?"]
        );
        Document::increment(draft.id, documents::views, -1, conn).unwrap();
        assert_eq!(witness.cached().len(), 1);
        assert_eq!(row(draft.id, conn), Some(Document { views: 2, ..draft }));
    }

    fn an_increment_of_a_missing_record_is_not_found(conn) {
        let error = Document::increment(404, documents::views, 1, conn).unwrap_err();
        assert!(matches!(error, Error::NotFound(record) if record.to_string() == "documents 404"));
    }

    /// It is assigned last; PostgreSQL assigns nothing twice.
    fn the_version_that_a_patch_writes_is_the_next_one(conn) {
        let draft = document("draft", conn);
        let changes = (documents::title.eq("x"), documents::version.eq(77));
        let patched = Document::patch(draft.id, 1, changes, conn);
        if NAME == "postgres" {
            assert!(matches!(patched, Err(Error::Database(_))), "{patched:?}");
            assert_eq!(row(draft.id, conn), Some(draft));
        } else {
            assert_eq!(patched.unwrap(), 2);
            assert_eq!(row(draft.id, conn), Some(Document { title: "x".into(), version: 2, ..draft }));
        }
    }
}

on_sqlite! {
    fn a_bound_in_the_database_keeps_a_counter_from_overflowing(conn) {
        run(
            "CREATE TABLE bounded (id INTEGER PRIMARY KEY, title TEXT, body TEXT, version BIGINT,
                                   views BIGINT CHECK (typeof(views) = 'integer'));
             INSERT INTO bounded VALUES (1, 'draft', NULL, 1, 9223372036854775807);
             DROP TABLE documents;
             ALTER TABLE bounded RENAME TO documents",
            conn,
        );
        let error = Document::increment(1, documents::views, 1, conn).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(Document::find(1, conn).unwrap().views, i64::MAX);
    }
}
