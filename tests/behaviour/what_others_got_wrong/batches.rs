//! Batches that lose the check, or which row is which.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{ConcurrentModificationError, Error};

use crate::support::{Document, documents, on_every_database};

const RECORDS: usize = 30;

/// The place in the batch of the one record that is stale.
const STALE: usize = 17;

/// Each with values of its own, one of them absent in every third record, and in no order of the keys.
fn rewritten(documents: &[Document]) -> Vec<Document> {
    let rewritten = |document: &Document| Document {
        title: format!("new {}", document.id),
        body: (document.id % 3 != 0).then(|| format!("body of {}", document.id)),
        ..document.clone()
    };
    let mut batch: Vec<Document> = documents.iter().map(rewritten).collect();
    fastrand::Rng::with_seed(8).shuffle(&mut batch);
    batch
}

fn saved(document: &Document) -> Document {
    Document { version: document.version + 1, ..document.clone() }
}

fn by_key(mut documents: Vec<Document>) -> Vec<Document> {
    documents.sort_by_key(|document| document.id);
    documents
}

/// What a conflict names: the record, the version that was expected of it, and what was found.
fn named(conflict: &ConcurrentModificationError) -> [String; 3] {
    let (record, found) = (conflict.record().to_string(), conflict.found().to_string());
    [record, conflict.expected().to_owned(), found]
}

macro_rules! everything {
    ($conn:expr) => {
        Document::query().order(documents::id).load::<Document>($conn).unwrap()
    };
}

/// Records at versions from 1 to 4, so that no two neighbours have the same one.
macro_rules! records {
    ($conn:expr) => {{
        for place in 0..RECORDS {
            let mut document = document(&format!("old {place}"), $conn);
            for _ in 0..place % 4 {
                document = document.touch($conn).unwrap();
            }
        }
        everything!($conn)
    }};
}

on_every_database! {
    /// The batch was sent without the condition, or nobody looked at each row's count.
    fn one_stale_record_among_many_is_found_and_named(conn) {
        let batch = rewritten(&records!(conn));
        let stale = &batch[STALE];
        stale.clone().touch(conn).unwrap();
        let (key, version) = (stale.id, stale.version);
        let told = [
            format!("documents {key}"),
            version.to_string(),
            format!("version {}", version + 1),
        ];
        let before = everything!(conn);

        for answer in [
            Document::save_all(batch.clone(), conn).map(drop),
            Document::delete_all(batch.clone(), conn),
        ] {
            let error = answer.unwrap_err();
            let conflict = error.conflict().unwrap();
            assert_eq!((named(conflict), conflict.others().len()), (told.clone(), 0));
            assert_eq!(everything!(conn), before);
        }

        let outcomes = Document::save_each(batch.clone(), conn).unwrap();
        for (place, (outcome, document)) in outcomes.iter().zip(&batch).enumerate() {
            match outcome {
                Ok(written) => assert_eq!(*written, saved(document)),
                Err(conflict) => assert_eq!((place, named(conflict)), (STALE, told.clone())),
            }
        }
        assert!(outcomes[STALE].is_err());

        // All that were saved are stale now, and the one that was not is as it was.
        let mut next = batch.clone();
        next[STALE] = stale.reload(conn).unwrap();
        let outcomes = Document::delete_each(next, conn).unwrap();
        let deleted: Vec<usize> =
            (0..RECORDS).filter(|place| outcomes[*place].is_ok()).collect();
        assert_eq!(deleted, [STALE]);
        let found: Vec<[String; 3]> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err().map(named)).collect();
        let others = batch.iter().filter(|document| document.id != key);
        let expected: Vec<[String; 3]> = others
            .map(|document| [
                format!("documents {}", document.id),
                document.version.to_string(),
                format!("version {}", document.version + 1),
            ])
            .collect();
        assert_eq!(found, expected);
    }

    /// Keys and versions were compared as two lists: `id IN (…) AND version IN (…)`.
    fn the_version_of_another_record_of_the_batch_does_not_match(conn) {
        let before = records!(conn);
        let [one, two] = [&before[0], &before[1]];
        assert_ne!(one.version, two.version);
        let swapped = || [
            Document { version: two.version, ..one.clone() },
            Document { version: one.version, ..two.clone() },
        ];
        type Write = fn([Document; 2], &mut Conn) -> noclobber::Result<()>;
        let writes: [Write; 2] = [
            |batch, conn| Document::save_all(batch, conn).map(drop),
            |batch, conn| Document::delete_all(batch, conn),
        ];
        for write in writes {
            let error: Error = write(swapped(), conn).unwrap_err();
            assert_eq!(error.conflict().unwrap().others().len(), 1);
        }
        assert!(Document::save_each(swapped(), conn).unwrap().iter().all(Result::is_err));
        assert!(Document::delete_each(swapped(), conn).unwrap().iter().all(Result::is_err));
        assert_eq!(everything!(conn), before);
    }

    /// The values of one row came to stand in another one, or the answers came in the database's order.
    fn each_record_has_its_own_values_and_its_own_answer(conn) {
        let batch = rewritten(&records!(conn));
        let expected: Vec<Document> = batch.iter().map(saved).collect();
        let answered = Document::save_all(batch, conn).unwrap();
        assert_eq!(answered, expected);
        assert_eq!(everything!(conn), by_key(expected));

        // The same where one of them is left out.
        let batch = rewritten(&answered);
        batch[STALE].clone().touch(conn).unwrap();
        let mut expected: Vec<Document> = batch.iter().map(saved).collect();
        expected[STALE] = batch[STALE].reload(conn).unwrap();
        let outcomes = Document::save_each(batch, conn).unwrap();
        for (place, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.ok(), (place != STALE).then(|| expected[place].clone()));
        }
        assert_eq!(everything!(conn), by_key(expected));
    }
}
