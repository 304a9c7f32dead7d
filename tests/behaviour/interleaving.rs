//! Random interleavings of several actors, against a model in memory.
//!
//! The actors share two records. Each holds copies that grow stale, writes inside and outside
//! transactions and savepoints, and rolls back. The model knows what every row should be, and what
//! every write should answer.

use std::collections::BTreeMap;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use noclobber::Found;
use noclobber::prelude::*;
use proptest::prelude::*;

use crate::support::{Database, Document, Journal, document, documents, row};

type Manager = <SqliteConnection as Connection>::TransactionManager;

const ACTORS: usize = 3;
const RECORDS: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Step {
    Load,
    Save,
    Touch,
    Patch,
    Delete,
    /// Open a transaction; when one is open, a savepoint.
    Begin,
    Commit,
    Rollback,
}

fn steps() -> impl Strategy<Value = Vec<(usize, usize, Step)>> {
    let step = prop_oneof![
        6 => Just(Step::Load),
        8 => Just(Step::Save),
        2 => Just(Step::Touch),
        3 => Just(Step::Patch),
        1 => Just(Step::Delete),
        3 => Just(Step::Begin),
        3 => Just(Step::Commit),
        3 => Just(Step::Rollback),
    ];
    prop::collection::vec((0..ACTORS, 0..RECORDS, step), 1..80)
}

/// What a row holds: its title and its version.
type Row = (String, i64);
type Rows = BTreeMap<i64, Row>;

/// An actor: a connection, the copies it holds, and what to go back to for each open transaction.
struct Actor {
    conn: SqliteConnection,
    copies: BTreeMap<i64, Document>,
    saved_states: Vec<(Rows, BTreeMap<i64, Document>, usize)>,
}

/// What should be true.
struct World {
    actors: Vec<Actor>,
    /// The rows as the one writer sees them; committed when no transaction is open.
    rows: Rows,
    /// The actor inside a transaction. SQLite has one writer, so there is at most one.
    inside: Option<usize>,
    /// Every acknowledged write: its record, and the version it was based on. Those of a
    /// transaction that was rolled back are taken out again.
    acknowledged: Vec<(i64, i64)>,
    writes: u32,
}

impl World {
    fn new(database: &Database) -> Self {
        let mut conn = database.connect();
        let rows = (0..RECORDS)
            .map(|_| document("new", &mut conn))
            .map(|document| (document.id, (document.title, document.version)))
            .collect();
        let actors = (0..ACTORS)
            .map(|_| Actor {
                conn: database.connect_impatient(),
                copies: BTreeMap::new(),
                saved_states: Vec::new(),
            })
            .collect();
        World { actors, rows, inside: None, acknowledged: Vec::new(), writes: 0 }
    }

    fn take(&mut self, actor: usize, record: usize, step: Step) {
        let id = i64::try_from(record).unwrap() + 1;
        match step {
            Step::Load => self.load(actor, id),
            Step::Save | Step::Touch | Step::Patch | Step::Delete => self.write(actor, id, step),
            Step::Begin => self.begin(actor),
            Step::Commit => self.end(actor, true),
            Step::Rollback => self.end(actor, false),
        }
    }

    /// The rows that this actor sees: those outside a transaction see what is committed.
    fn visible_to(&self, actor: usize) -> &Rows {
        match self.inside {
            Some(inside) if inside != actor => &self.actors[inside].saved_states[0].0,
            _ => &self.rows,
        }
    }

    fn load(&mut self, actor: usize, id: i64) {
        let expected = self.visible_to(actor).get(&id).cloned();
        let actor = &mut self.actors[actor];
        match Document::find(id, &mut actor.conn) {
            Ok(document) => {
                assert_eq!(Some((document.title.clone(), document.version)), expected);
                actor.copies.insert(id, document);
            }
            Err(error) => {
                assert!(error.is_not_found(), "{error}");
                assert_eq!(None, expected);
            }
        }
    }

    fn write(&mut self, actor: usize, id: i64, step: Step) {
        let Some(copy) = self.actors[actor].copies.get(&id).cloned() else { return };
        self.writes += 1;
        let (title, base) = (format!("write {}", self.writes), copy.version);
        let conn = &mut self.actors[actor].conn;
        let changed = Document { title: title.clone(), ..copy.clone() };
        let answer = match step {
            Step::Save => changed.save(conn).map(Some),
            Step::Touch => copy.clone().touch(conn).map(Some),
            Step::Delete => copy.clone().delete(conn).map(|()| None),
            _ => Document::patch(id, base, documents::title.eq(&title), conn)
                .map(|version| Some(Document { version, ..changed })),
        };
        let blocked = self.inside.is_some_and(|inside| inside != actor);
        match (answer, self.rows.get(&id)) {
            (Err(error), _) if blocked => assert!(error.is_retryable(), "{error}"),
            (Ok(written), Some((_, current))) if *current == base => {
                self.acknowledged.push((id, base));
                match written {
                    Some(document) => {
                        assert_eq!(document.version, base + 1);
                        self.rows.insert(id, (document.title.clone(), document.version));
                        self.actors[actor].copies.insert(id, document);
                    }
                    None => drop(self.rows.remove(&id)),
                }
            }
            (Err(error), Some((_, current))) if *current != base => {
                let found = Found::Version(current.to_string());
                assert_eq!(*error.conflict().unwrap().found(), found);
            }
            (Err(error), None) => {
                assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
            }
            (answer, current) => panic!("{answer:?} for version {base} of {current:?}"),
        }
    }

    fn begin(&mut self, actor: usize) {
        match self.inside {
            Some(inside) if inside != actor => return,
            Some(_) => Manager::begin_transaction(&mut self.actors[actor].conn).unwrap(),
            None => {
                let conn = &mut self.actors[actor].conn;
                Manager::begin_transaction(conn).unwrap();
                // A writer from the start, so that the model knows what it sees.
                diesel::connection::SimpleConnection::batch_execute(
                    conn,
                    "ROLLBACK; BEGIN IMMEDIATE",
                )
                .unwrap();
                self.inside = Some(actor);
            }
        }
        let state = (self.rows.clone(), self.actors[actor].copies.clone(), self.acknowledged.len());
        self.actors[actor].saved_states.push(state);
    }

    fn end(&mut self, actor: usize, commit: bool) {
        if self.inside != Some(actor) {
            return;
        }
        let this = &mut self.actors[actor];
        let Some((rows, copies, acknowledged)) = this.saved_states.pop() else { return };
        if commit {
            Manager::commit_transaction(&mut this.conn).unwrap();
        } else {
            Manager::rollback_transaction(&mut this.conn).unwrap();
            // What was produced inside is dropped with it.
            this.copies = copies;
            self.rows = rows;
            self.acknowledged.truncate(acknowledged);
        }
        if this.saved_states.is_empty() {
            self.inside = None;
            self.check_what_was_returned(actor);
        }
    }

    /// What an acknowledged transaction gave its caller is what the rows held at its commit.
    fn check_what_was_returned(&mut self, actor: usize) {
        let Actor { conn, copies, .. } = &mut self.actors[actor];
        for (id, copy) in copies {
            if self.rows.get(id).is_some_and(|(_, version)| *version == copy.version) {
                assert_eq!(row(*id, conn).as_ref(), Some(&*copy));
            }
        }
    }

    /// What has to hold whatever happened.
    fn check(mut self) {
        while let Some(actor) = self.inside {
            self.end(actor, actor % 2 == 0);
        }
        let conn = &mut self.actors[0].conn;
        for id in 1..=i64::try_from(RECORDS).unwrap() {
            let stored = row(id, conn).map(|document| (document.title, document.version));
            assert_eq!(stored.as_ref(), self.rows.get(&id));
        }
        let mut bases = self.acknowledged.clone();
        bases.sort_unstable();
        bases.dedup();
        assert_eq!(bases.len(), self.acknowledged.len(), "two writes share a base version");
    }
}

fn play(journal: Journal, steps: Vec<(usize, usize, Step)>) {
    let database = Database::file(journal);
    let mut world = World::new(&database);
    for (actor, record, step) in steps {
        world.take(actor, record, step);
    }
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_loses_a_write(steps in steps()) {
        play(Journal::Wal, steps);
    }
}
