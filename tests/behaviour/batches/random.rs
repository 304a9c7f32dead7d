//! Random batches against a model in memory: fresh, stale, deleted and doubled records, in both modes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use noclobber::operation::{StoreBatch, StoreNew};
use noclobber::prelude::*;
use noclobber::{ConcurrentModificationError, Error, transaction};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::stale;
use crate::support::{Document, documents, on_every_database};

const RECORDS: i64 = 8;

/// How old a copy is that is written: so many versions.
type Age = i64;

#[derive(Debug, Clone)]
enum Step {
    SaveAll(Vec<(i64, Age)>),
    SaveEach(Vec<(i64, Age)>),
    DeleteAll(Vec<(i64, Age)>),
    DeleteEach(Vec<(i64, Age)>),
    /// Creates what is missing.
    Refill,
    /// The next batch is in a transaction that is rolled back.
    RollBackNext,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Most copies are current, or no batch would ever be written whole.
    let age = prop_oneof![12 => Just(0_i64), 1 => 1..3_i64];
    let batch = || {
        let batch = prop::collection::vec((1..=RECORDS, age.clone()), 0..6);
        // Most are without doubles.
        (batch, 0..5_u8).prop_map(|(mut batch, doubles)| {
            let mut seen = BTreeSet::new();
            batch.retain(|(id, _)| doubles == 0 || seen.insert(*id));
            batch
        })
    };
    let step = prop_oneof![
        4 => batch().prop_map(Step::SaveAll),
        4 => batch().prop_map(Step::SaveEach),
        2 => batch().prop_map(Step::DeleteAll),
        2 => batch().prop_map(Step::DeleteEach),
        2 => Just(Step::Refill),
        1 => Just(Step::RollBackNext),
    ];
    prop::collection::vec(step, 1..30)
}

type NewDocument = (diesel::dsl::Eq<documents::id, i64>, diesel::dsl::Eq<documents::title, String>);

/// What every row should be.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rows(BTreeMap<i64, (i64, String)>);

impl Rows {
    fn write(&mut self, delete: bool, document: &Document) {
        if delete {
            self.0.remove(&document.id);
        } else {
            self.0.insert(document.id, (document.version + 1, document.title.clone()));
        }
    }

    /// What is found instead of the version that is expected of a record.
    fn found_instead(&self, document: &Document) -> Option<String> {
        match self.0.get(&document.id) {
            None => Some("no row".into()),
            Some((version, _)) if *version == document.version => None,
            Some((version, _)) => Some(format!("version {version}")),
        }
    }
}

struct World<'a, C> {
    conn: &'a mut C,
    rows: Rows,
    /// A title of its own for each write.
    writes: u32,
    rolls_back: bool,
}

impl<C: StoreBatch<Document> + StoreNew<Document, NewDocument>> World<'_, C> {
    fn take(&mut self, step: Step) {
        let (batch, all, delete) = match step {
            Step::SaveAll(batch) => (batch, true, false),
            Step::SaveEach(batch) => (batch, false, false),
            Step::DeleteAll(batch) => (batch, true, true),
            Step::DeleteEach(batch) => (batch, false, true),
            Step::Refill => return self.refill(),
            Step::RollBackNext => return self.rolls_back = true,
        };
        let copies: Vec<Document> = batch.into_iter().map(|copy| self.copy(copy)).collect();
        let before = self.rows.clone();
        let rolls_back = std::mem::take(&mut self.rolls_back);
        let undone = transaction(self.conn, |conn| {
            let outcomes = send(&copies, all, delete, conn);
            judge(&copies, outcomes, all, delete, &mut self.rows);
            if rolls_back { Err(Error::NotInTransaction) } else { Ok(()) }
        });
        if undone.is_err() {
            self.rows = before;
        }
    }

    /// What somebody would hold who has loaded the record `age` versions ago.
    fn copy(&mut self, (id, age): (i64, Age)) -> Document {
        self.writes += 1;
        let version = self.rows.0.get(&id).map_or(1, |(version, _)| *version) - age;
        Document { id, title: self.writes.to_string(), body: None, views: 0, version }
    }

    fn refill(&mut self) {
        use diesel::ExpressionMethods;

        for id in 1..=RECORDS {
            if !self.rows.0.contains_key(&id) {
                let new = (documents::id.eq(id), documents::title.eq("new".to_owned()));
                Document::create_with(id, new, self.conn).unwrap();
                self.rows.0.insert(id, (1, "new".into()));
            }
        }
    }
}

type Outcomes = noclobber::Result<Vec<Result<i64, ConcurrentModificationError>>>;

/// Sends the batch in its mode; the version of each that was written.
fn send<C: StoreBatch<Document>>(
    copies: &[Document],
    all: bool,
    delete: bool,
    conn: &mut C,
) -> Outcomes {
    let batch = copies.to_vec();
    let version = |document: Document| document.version;
    match (all, delete) {
        (true, false) => Document::save_all(batch, conn)
            .map(|saved| saved.into_iter().map(|document| Ok(version(document))).collect()),
        (false, false) => Document::save_each(batch, conn)
            .map(|saved| saved.into_iter().map(|outcome| outcome.map(version)).collect()),
        (true, true) => Document::delete_all(batch, conn).map(|()| vec![Ok(0); copies.len()]),
        (false, true) => Document::delete_each(batch, conn)
            .map(|deleted| deleted.into_iter().map(|outcome| outcome.map(|()| 0)).collect()),
    }
}

/// Says what should have come of it, and writes it into the model.
fn judge(copies: &[Document], outcomes: Outcomes, all: bool, delete: bool, rows: &mut Rows) {
    let keys: BTreeSet<i64> = copies.iter().map(|copy| copy.id).collect();
    if keys.len() < copies.len() {
        let refused = outcomes.unwrap_err();
        return assert!(matches!(refused, Error::TwiceInBatch(_)), "{refused:?}");
    }
    let found: Vec<Option<String>> = copies.iter().map(|copy| rows.found_instead(copy)).collect();
    if all && found.iter().any(Option::is_some) {
        let expected: Vec<(String, String)> = copies
            .iter()
            .zip(found)
            .filter_map(|(copy, found)| Some((copy.id.to_string(), found?)))
            .collect();
        return assert_eq!(stale(&outcomes.unwrap_err()), expected);
    }
    for ((copy, found), outcome) in copies.iter().zip(found).zip(outcomes.unwrap()) {
        match found {
            None => {
                let version = if delete { 0 } else { copy.version + 1 };
                assert_eq!(outcome.unwrap(), version);
                rows.write(delete, copy);
            }
            Some(found) => {
                let conflict = outcome.unwrap_err();
                assert_eq!(conflict.record().key(), copy.id.to_string());
                assert_eq!(conflict.found().to_string(), found);
            }
        }
    }
}

on_every_database! {
    fn what_is_written_and_what_is_told_are_as_the_model_says(conn) {
        use diesel::{QueryDsl, RunQueryDsl};

        const CASES: u32 = 40;
        let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
        let conn = RefCell::new(conn);
        let played = TestRunner::new(config).run(&steps(), |steps| {
            let conn: &mut Conn = &mut conn.borrow_mut();
            run("DELETE FROM documents", conn);
            let mut world =
                World { conn, rows: Rows::default(), writes: 0, rolls_back: false };
            world.take(Step::Refill);
            for step in steps {
                world.take(step);
                let columns = (documents::id, documents::version, documents::title);
                let stored: Vec<(i64, i64, String)> =
                    documents::table.select(columns).load(world.conn).unwrap();
                let stored = stored.into_iter().map(|(id, version, title)| (id, (version, title)));
                assert_eq!(Rows(stored.collect()), world.rows);
            }
            Ok(())
        });
        played.unwrap();
    }
}
