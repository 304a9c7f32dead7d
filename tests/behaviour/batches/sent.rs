//! What is sent for a batch.

use noclobber::prelude::*;

use super::{all_of, documents, retitled};
use crate::support::{Document, Witness, on_every_database};

/// The statements that read or write the table.
fn about_documents(witness: &Witness) -> Vec<String> {
    witness.sent().into_iter().filter(|sql| sql.contains("documents")).collect()
}

fn expected(database: &str, verb: &str) -> Vec<String> {
    let update = r#"UPDATE "documents" SET "title" = ?, "body" = ?, "version" = "version" + 1 WHERE "id" = ? AND "version" = ?"#;
    let delete = r#"DELETE FROM "documents" WHERE "id" = ? AND "version" = ?"#;
    let joined = r#"target."id" = batch."id" AND target."version" = batch."version""#;
    let row = "/*!80019 ROW*/ ";
    let hold = format!(
        r#"SELECT batch."noclobber_place", target."version", target."id" FROM "documents" AS target JOIN (SELECT 0 AS "noclobber_place", "id" FROM "documents" WHERE FALSE UNION ALL VALUES {row}(0, ?), {row}(1, ?)) AS batch ON target."id" = batch."id" FOR UPDATE"#
    );
    match (database, verb) {
        ("sqlite", "save") => vec![update.into(), update.into()],
        ("sqlite", _) => vec![delete.into(), delete.into()],
        ("postgres", "save") => vec![format!(
            r#"UPDATE "documents" AS target SET "title" = batch."title", "body" = batch."body", "version" = target."version" + 1 FROM (SELECT unnest(?) AS "id", unnest(?) AS "version", unnest(?) AS "title", unnest(?) AS "body", generate_series(1, ?) AS "noclobber_place") AS batch WHERE {joined} RETURNING batch."noclobber_place""#
        )],
        ("postgres", _) => vec![format!(
            r#"DELETE FROM "documents" AS target USING (SELECT unnest(?) AS "id", unnest(?) AS "version", generate_series(1, ?) AS "noclobber_place") AS batch WHERE {joined} RETURNING batch."noclobber_place""#
        )],
        (_, "save") => vec![
            hold,
            format!(
                r#"UPDATE "documents" AS target JOIN (SELECT "title", "body", "id", "version" FROM "documents" WHERE FALSE UNION ALL VALUES {row}(?, ?, ?, ?), {row}(?, ?, ?, ?)) AS batch ON {joined} SET target."title" = batch."title", target."body" = batch."body", target."version" = target."version" + 1"#
            ),
        ],
        _ => vec![
            hold,
            format!(
                r#"DELETE target FROM "documents" AS target JOIN (SELECT "id", "version" FROM "documents" WHERE FALSE UNION ALL VALUES {row}(?, ?), {row}(?, ?)) AS batch ON {joined}"#
            ),
        ],
    }
}

on_every_database! {
    fn a_batch_is_sent_as_its_database_takes_it_fastest(conn) {
        let documents = documents!(2, conn);
        let witness = Witness::of(conn);
        let saved = Document::save_all(retitled(&documents, "new"), conn).unwrap();
        assert_eq!(about_documents(&witness), expected(NAME, "save"));
        Document::delete_all(saved, conn).unwrap();
        assert_eq!(about_documents(&witness), expected(NAME, "delete"));
        assert_eq!(all_of!(conn), []);
    }

    /// Which begins as a writer, so that nobody comes in between the records.
    fn a_batch_is_one_transaction(conn) {
        let documents = documents!(3, conn);
        let witness = Witness::of(conn);
        let saved = Document::save_all(documents, conn).unwrap();
        let (all, saved) = (witness.sent(), Document::save_each(saved, conn).unwrap());
        let each = witness.sent();
        Document::delete_each(saved.into_iter().map(Result::unwrap), conn).unwrap();
        for sent in [all, each, witness.sent()] {
            assert_eq!(sent[..2], ["BEGIN", AFTER_BEGIN]);
            assert_eq!(sent[sent.len() - 1], "COMMIT");
            assert_eq!(sent.iter().filter(|sql| *sql == "COMMIT").count(), 1, "{sent:?}");
        }
    }

    /// However many records there are, a connection keeps no further statement.
    fn the_number_of_records_does_not_show_in_what_is_kept_prepared(conn) {
        let documents = documents!(9, conn);
        let saved = Document::save_all(documents, conn).unwrap();
        let witness = Witness::of(conn);
        for records in 1..8 {
            Document::save_all(saved[..records].to_vec(), conn).map(drop).unwrap_or_default();
            Document::delete_each(saved[..records].to_vec(), conn).unwrap();
        }
        let kept = witness.cached();
        // Those of the deletes, and of the looks after them.
        assert!(kept.len() <= 3, "{kept:?}");
    }
}
