//! Random interleavings of several actors, against a model in memory.
//!
//! The actors share two records. Each holds copies that grow stale, writes inside and outside
//! transactions and savepoints, and rolls back. The model knows what every row should be, and what
//! every write should answer.

use std::collections::BTreeMap;
use std::vec::IntoIter;

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found, transaction};
use proptest::prelude::*;

use crate::support::sqlite::{document, row};
use crate::support::{Database, Document, Journal, documents};

const ACTORS: usize = 3;
const RECORDS: i64 = 2;

#[derive(Debug, Clone, Copy)]
enum Act {
    Load,
    Save,
    Touch,
    Patch,
    Modify,
    Delete,
    /// Open a transaction; when one is open, a savepoint.
    Begin,
    Commit,
    Rollback,
}

/// Who does what to which record.
type Step = (usize, i64, Act);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        6 => Just(Act::Load),
        8 => Just(Act::Save),
        2 => Just(Act::Touch),
        3 => Just(Act::Patch),
        2 => Just(Act::Modify),
        1 => Just(Act::Delete),
        3 => Just(Act::Begin),
        3 => Just(Act::Commit),
        3 => Just(Act::Rollback),
    ];
    prop::collection::vec((0..ACTORS, 1..=RECORDS, act), 1..80)
}

/// Title and version of each record.
type Rows = BTreeMap<i64, (String, i64)>;

struct World {
    /// Taken out while its actor is inside a transaction.
    connections: Vec<Option<SqliteConnection>>,
    copies: Vec<BTreeMap<i64, Document>>,
    /// The rows as the one writer sees them.
    rows: Rows,
    /// While a transaction is open: the rows as everybody else sees them.
    committed: Option<Rows>,
    /// Every acknowledged write: its record, and the version that the row had before it. Those of
    /// a transaction that was rolled back are taken out again.
    acknowledged: Vec<(i64, i64)>,
    writes: u32,
}

impl World {
    fn new(database: &Database) -> Self {
        let mut conn = database.connect();
        let created = (0..RECORDS).map(|_| document("new", &mut conn));
        World {
            rows: created.map(|it| (it.id, (it.title, it.version))).collect(),
            connections: (0..ACTORS).map(|_| Some(database.connect_impatient())).collect(),
            copies: vec![BTreeMap::new(); ACTORS],
            committed: None,
            acknowledged: Vec::new(),
            writes: 0,
        }
    }

    fn run(&mut self, steps: &mut IntoIter<Step>) {
        while let Some((actor, id, act)) = steps.next() {
            let mut conn = self.connections[actor].take().unwrap();
            match act {
                Act::Begin => {
                    self.committed = Some(self.rows.clone());
                    self.transaction(actor, &mut conn, steps);
                    self.committed = None;
                    self.check_what_was_returned(actor, &mut conn);
                }
                Act::Commit | Act::Rollback => {}
                _ => self.act(actor, id, act, &mut conn),
            }
            self.connections[actor] = Some(conn);
        }
    }

    /// One transaction or savepoint, with all that happens until it ends.
    fn transaction(
        &mut self,
        actor: usize,
        conn: &mut SqliteConnection,
        steps: &mut IntoIter<Step>,
    ) {
        let before = (self.rows.clone(), self.copies[actor].clone(), self.acknowledged.len());
        let outcome = transaction(conn, |conn| self.inside(actor, conn, steps));
        if outcome.is_err() {
            // What was produced inside is dropped with it.
            self.rows = before.0;
            self.copies[actor] = before.1;
            self.acknowledged.truncate(before.2);
        }
    }

    fn inside(
        &mut self,
        actor: usize,
        conn: &mut SqliteConnection,
        steps: &mut IntoIter<Step>,
    ) -> Result<(), Error> {
        while let Some((who, id, act)) = steps.next() {
            match act {
                Act::Begin if who == actor => self.transaction(actor, conn, steps),
                Act::Commit if who == actor => return Ok(()),
                Act::Rollback if who == actor => return Err(Error::InTransaction),
                Act::Begin | Act::Commit | Act::Rollback => {}
                _ if who == actor => self.act(actor, id, act, conn),
                _ => {
                    let mut theirs = self.connections[who].take().unwrap();
                    self.act(who, id, act, &mut theirs);
                    self.connections[who] = Some(theirs);
                }
            }
        }
        Ok(())
    }

    /// Whether somebody else is the writer now.
    fn is_blocked(&self, actor: usize) -> bool {
        self.committed.is_some()
            && self.connections.iter().enumerate().any(|(other, conn)| {
                // Both are taken out when an actor acts beside a transaction.
                other != actor && conn.is_none()
            })
    }

    fn act(&mut self, actor: usize, id: i64, act: Act, conn: &mut SqliteConnection) {
        let blocked = self.is_blocked(actor);
        match act {
            Act::Load => self.load(actor, id, blocked, conn),
            _ => self.write(actor, id, act, blocked, conn),
        }
    }

    fn load(&mut self, actor: usize, id: i64, blocked: bool, conn: &mut SqliteConnection) {
        let visible = if blocked { self.committed.as_ref().unwrap() } else { &self.rows };
        let expected = visible.get(&id).cloned();
        match Document::find(id, conn) {
            Ok(document) => {
                assert_eq!(Some((document.title.clone(), document.version)), expected);
                self.copies[actor].insert(id, document);
            }
            Err(error) => {
                assert!(error.is_not_found(), "{error}");
                assert_eq!(None, expected);
            }
        }
    }

    fn write(
        &mut self,
        actor: usize,
        id: i64,
        act: Act,
        blocked: bool,
        conn: &mut SqliteConnection,
    ) {
        let Some(copy) = self.copies[actor].get(&id).cloned() else { return };
        self.writes += 1;
        let title = format!("write {}", self.writes);
        let before = row(id, conn).map(|document| document.version);
        let changed = Document { title: title.clone(), ..copy.clone() };
        // A modification is based on whatever is there.
        let mut base = copy.version;
        let answer = match act {
            Act::Save => changed.save(conn).map(Some),
            Act::Touch => copy.touch(conn).map(Some),
            Act::Delete => copy.delete(conn).map(|()| None),
            Act::Modify if !blocked && self.committed.is_none() => {
                base = before.unwrap_or(base);
                match Document::modify(id, conn, |document| document.title.clone_from(&title)) {
                    Err(error) if error.is_not_found() => return assert_eq!(before, None),
                    answer => answer.map(Some),
                }
            }
            _ => Document::patch(id, base, documents::title.eq(&title), conn)
                .map(|version| Some(Document { version, ..changed })),
        };
        match (answer, self.rows.get(&id)) {
            (Err(error), _) if blocked => assert!(error.is_retryable(), "{error}"),
            (Ok(written), Some((_, current))) if *current == base => {
                self.acknowledged.push((id, before.unwrap()));
                match written {
                    Some(document) => {
                        assert_eq!(document.version, base + 1);
                        self.rows.insert(id, (document.title.clone(), document.version));
                        self.copies[actor].insert(id, document);
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

    /// What an acknowledged transaction gave its caller is what the rows held at its commit.
    fn check_what_was_returned(&self, actor: usize, conn: &mut SqliteConnection) {
        for (id, copy) in &self.copies[actor] {
            if self.rows.get(id).is_some_and(|(_, version)| *version == copy.version) {
                assert_eq!(row(*id, conn).as_ref(), Some(copy));
            }
        }
    }

    /// What has to hold whatever happened.
    fn check(mut self) {
        let conn = self.connections[0].as_mut().unwrap();
        for id in 1..=RECORDS {
            let stored = row(id, conn).map(|document| (document.title, document.version));
            assert_eq!(stored.as_ref(), self.rows.get(&id));
        }
        let mut bases = self.acknowledged.clone();
        bases.sort_unstable();
        bases.dedup();
        assert_eq!(bases.len(), self.acknowledged.len(), "two writes share a base version");
    }
}

fn play(journal: Journal, steps: Vec<Step>) {
    let database = Database::file(journal);
    let mut world = World::new(&database);
    world.run(&mut steps.into_iter());
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_loses_a_write_in_a_write_ahead_log(steps in steps()) {
        play(Journal::Wal, steps);
    }

    #[test]
    fn no_interleaving_loses_a_write_in_a_rollback_journal(steps in steps()) {
        play(Journal::Delete, steps);
    }
}
