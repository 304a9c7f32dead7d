//! `find`, `find_at`, `reload`.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found};

use crate::support::{Document, Witness, documents, on_every_database};

on_every_database! {
    fn a_record_is_found_by_its_key(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        assert_eq!(Document::find(draft.id, conn).unwrap(), draft);
        assert_eq!(witness.sent(), [
            "SELECT \"documents\".\"id\", \"documents\".\"title\", \"documents\".\"body\", \
             \"documents\".\"views\", \"documents\".\"version\" FROM \"documents\" WHERE \"id\" = ?"
        ]);
        // `create` has sent it before, and it was kept.
        assert!(witness.cached().is_empty());
    }

    fn a_missing_record_is_named(conn) {
        let error = Document::find(404, conn).unwrap_err();
        assert!(matches!(&error, Error::NotFound(record) if record.key() == "404"));
        assert!(error.is_not_found());
    }

    fn a_record_at_the_clients_version_is_found(conn) {
        let draft = document("draft", conn);
        assert_eq!(Document::find_at(draft.id, 1, conn).unwrap(), draft);
    }

    fn a_stale_client_is_refused_at_once(conn) {
        let draft = document("draft", conn).save(conn).unwrap();
        let error = Document::find_at(draft.id, 1, conn).unwrap_err();
        let conflict = error.conflict().unwrap();
        assert_eq!((conflict.expected(), conflict.found()), ("1", &Found::Version("2".into())));
    }

    fn what_a_client_saw_and_is_gone_was_deleted(conn) {
        let error = Document::find_at(404, 1, conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
    }

    fn a_reload_gives_what_is_there_now(conn) {
        let stale = document("draft", conn);
        let saved = Document { title: "final".into(), ..stale.clone() }.save(conn).unwrap();
        assert_eq!(stale.reload(conn).unwrap(), saved);
        saved.delete(conn).unwrap();
        assert!(stale.reload(conn).unwrap_err().is_not_found());
    }

    fn a_key_that_names_two_rows_is_an_error(conn) {
        run(
            "DROP TABLE documents;
             CREATE TABLE documents (id BIGINT, title TEXT, body TEXT, views BIGINT, version BIGINT);
             INSERT INTO documents VALUES (1, 'a', NULL, 0, 1), (1, 'b', NULL, 0, 1)",
            conn,
        );
        let twice = |error: &Error| matches!(error, Error::KeyNotUnique { rows: 2, .. });
        assert!(twice(&Document::find(1, conn).unwrap_err()));
        let document = Document { id: 1, title: "c".into(), body: None, views: 0, version: 1 };
        let rolled_back = noclobber::transaction(conn, |conn| document.clone().save(conn));
        assert!(twice(&rolled_back.unwrap_err()));
        let titles = documents::table.select(documents::title).load::<String>(conn).unwrap();
        assert_eq!(titles, ["a", "b"]);
        assert!(twice(&document.save(conn).unwrap_err()));
    }
}
