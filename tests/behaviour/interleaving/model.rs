//! What the rows should be, and who has to wait: each database's rules, at its default isolation
//! level.

use std::collections::{BTreeMap, BTreeSet};

/// Title and version.
pub(super) type Row = (String, i64);
pub(super) type Rows = BTreeMap<i64, Row>;

/// What a database locks and shows while a transaction is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locks {
    /// There is one writer at a time, whatever it writes.
    one_writer: bool,
    /// A write that matches nothing still holds the row that it looked at.
    misses_hold: bool,
    /// A write waits for the holder of its row also when it will not match.
    misses_wait: bool,
    /// A rollback to a savepoint gives back what was locked since.
    savepoints_release: bool,
    /// The reads of a transaction see the rows as they were at its first read.
    snapshot: bool,
}

impl Locks {
    pub(super) const SQLITE: Locks = Locks {
        one_writer: true,
        misses_hold: false,
        misses_wait: true,
        savepoints_release: false,
        snapshot: false,
    };

    #[cfg(feature = "postgres")]
    pub(super) const POSTGRES: Locks = Locks {
        one_writer: false,
        misses_hold: false,
        misses_wait: false,
        savepoints_release: true,
        snapshot: false,
    };

    #[cfg(feature = "mysql")]
    pub(super) const MYSQL: Locks = Locks {
        one_writer: false,
        misses_hold: true,
        misses_wait: true,
        savepoints_release: false,
        snapshot: true,
    };
}

/// What becomes of a write for the locks of others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    Free,
    Blocked,
    /// It depends on whether the database has cleaned up a deleted row by now.
    NobodyKnows,
}

#[derive(Debug)]
pub(super) struct Model {
    locks: Locks,
    committed: Rows,
    /// The one transaction that can be open.
    open: Option<Open>,
    /// Every acknowledged write: its record, and the version that was read from the row before it.
    acknowledged: Vec<(i64, i64)>,
}

#[derive(Debug)]
struct Open {
    actor: usize,
    changes: Changes,
    /// Whether it has read or written anything.
    has_begun: bool,
    held: BTreeSet<i64>,
    snapshot: Option<Rows>,
}

/// What a transaction has written, and what a rollback takes back.
#[derive(Debug, Clone, Default)]
struct Changes {
    rows: BTreeMap<i64, Option<Row>>,
    acknowledged: Vec<(i64, i64)>,
}

/// How it was when a savepoint was set.
pub(super) struct Savepoint {
    changes: Changes,
    has_begun: bool,
    held: BTreeSet<i64>,
}

impl Model {
    pub(super) fn new(locks: Locks, committed: Rows) -> Self {
        Model { locks, committed, open: None, acknowledged: Vec::new() }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn begin(&mut self, actor: usize) {
        let (changes, held) = Default::default();
        self.open = Some(Open { actor, changes, has_begun: false, held, snapshot: None });
    }

    pub(super) fn commit(&mut self) {
        let changes = self.open.take().unwrap().changes;
        for (id, row) in changes.rows {
            match row {
                Some(row) => drop(self.committed.insert(id, row)),
                None => drop(self.committed.remove(&id)),
            }
        }
        self.acknowledged.extend(changes.acknowledged);
    }

    pub(super) fn roll_back(&mut self) {
        self.open = None;
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        let open = self.open.as_ref().unwrap();
        let (changes, held) = (open.changes.clone(), open.held.clone());
        Savepoint { changes, has_begun: open.has_begun, held }
    }

    pub(super) fn roll_back_to(&mut self, savepoint: Savepoint) {
        let open = self.open.as_mut().unwrap();
        open.changes = savepoint.changes;
        if !savepoint.has_begun {
            // Nothing is left of it: it takes another snapshot, and MySQL too gives back the locks.
            open.has_begun = false;
            open.snapshot = None;
            open.held.clear();
        } else if self.locks.savepoints_release {
            open.held = savepoint.held;
        }
    }

    /// The transaction, when it is this actor's.
    fn mine(&mut self, actor: usize) -> Option<&mut Open> {
        self.open.as_mut().filter(|open| open.actor == actor)
    }

    /// What a plain read shows to an actor.
    pub(super) fn read(&mut self, actor: usize, id: i64) -> Option<Row> {
        let (takes_snapshot, committed) = (self.locks.snapshot, self.committed.clone());
        let Some(open) = self.mine(actor) else { return committed.get(&id).cloned() };
        open.has_begun = true;
        let visible = match &mut open.snapshot {
            Some(snapshot) => snapshot,
            none if takes_snapshot => none.insert(committed),
            _ => &committed,
        };
        open.changes.rows.get(&id).cloned().unwrap_or_else(|| visible.get(&id).cloned())
    }

    /// What a guard of an actor's write is compared with.
    pub(super) fn present(&mut self, actor: usize, id: i64) -> Option<Row> {
        let own = self.mine(actor).and_then(|open| open.changes.rows.get(&id).cloned());
        own.unwrap_or_else(|| self.committed.get(&id).cloned())
    }

    /// Whether a write from the version `base` has to wait.
    pub(super) fn way(&self, actor: usize, id: i64, base: i64) -> Way {
        let Some(open) = self.open.as_ref().filter(|open| open.actor != actor) else {
            return Way::Free;
        };
        match self.committed.get(&id) {
            _ if self.locks.one_writer => Way::Blocked,
            _ if !open.held.contains(&id) => Way::Free,
            Some((_, version)) if self.locks.misses_wait || *version == base => Way::Blocked,
            Some(_) => Way::Free,
            None => Way::NobodyKnows,
        }
    }

    pub(super) fn written(&mut self, actor: usize, id: i64, base: i64, row: Option<Row>) {
        match self.mine(actor) {
            Some(open) => {
                open.held.insert(id);
                open.changes.rows.insert(id, row);
                open.changes.acknowledged.push((id, base));
            }
            None => {
                match row {
                    Some(row) => drop(self.committed.insert(id, row)),
                    None => drop(self.committed.remove(&id)),
                }
                self.acknowledged.push((id, base));
            }
        }
    }

    pub(super) fn missed(&mut self, actor: usize, id: i64) {
        if self.locks.misses_hold
            && let Some(open) = self.mine(actor)
        {
            open.held.insert(id);
        }
    }

    pub(super) fn committed(&self, id: i64) -> Option<&Row> {
        self.committed.get(&id)
    }

    pub(super) fn no_two_writes_share_a_base(&self) -> bool {
        let bases: BTreeSet<_> = self.acknowledged.iter().collect();
        bases.len() == self.acknowledged.len()
    }
}
