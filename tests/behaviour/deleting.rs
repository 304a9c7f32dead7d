//! `delete`: as guarded as a save.

use noclobber::Found;
use noclobber::prelude::*;

use crate::support::{Document, Witness, on_databases_that_can_veto, on_every_database};

on_every_database! {
    fn a_delete_is_exactly_one_statement(conn) {
        let draft = document("draft", conn);
        let witness = Witness::of(conn);
        draft.clone().delete(conn).unwrap();
        assert_eq!(
            witness.sent(),
            ["DELETE FROM \"documents\" WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert_eq!(row(draft.id, conn), None);
    }

    fn a_stale_delete_leaves_the_row(conn) {
        let stale = document("draft", conn);
        let saved = Document { title: "final".into(), ..stale.clone() }.save(conn).unwrap();
        let error = stale.delete(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
        assert_eq!(row(saved.id, conn), Some(saved));
    }

    fn a_second_delete_finds_the_record_deleted(conn) {
        let draft = document("draft", conn);
        draft.clone().delete(conn).unwrap();
        let error = draft.delete(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
    }
}

on_databases_that_can_veto! {
    fn a_delete_that_a_trigger_drops_is_vetoed(conn) {
        let draft = document("draft", conn);
        run(VETO_DELETE, conn);
        let error = draft.clone().delete(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Vetoed);
        assert_eq!(row(draft.id, conn), Some(draft));
    }
}
