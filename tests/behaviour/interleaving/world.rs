//! The actors, their copies, and what they are answered.

use std::collections::BTreeMap;
use std::vec::IntoIter;

use noclobber::prelude::*;
use noclobber::{Error, Found, transaction};

use super::model::{Model, Rows, Way};
use super::{ACTORS, Act, Conn, RECORDS, Stage, Step, Title};
use crate::support::Document;

pub(super) struct World<C> {
    /// Taken out while its actor is inside a transaction.
    connections: Vec<Option<C>>,
    row: fn(i64, &mut C) -> Option<Document>,
    copies: Vec<BTreeMap<i64, Document>>,
    model: Model,
    writes: u32,
}

impl<C: Conn> World<C> {
    pub(super) fn new(stage: &Stage<'_, C>) -> Self {
        let mut connections: Vec<_> = (0..ACTORS).map(|_| Some((stage.connect)())).collect();
        let conn = connections[0].as_mut().unwrap();
        let mut rows = Rows::new();
        conn.batch_execute("DELETE FROM documents").unwrap();
        for id in 1..=RECORDS {
            let insert = "INSERT INTO documents (id, title, version) VALUES";
            conn.batch_execute(&format!("{insert} ({id}, 'new', 1)")).unwrap();
            rows.insert(id, ("new".into(), 1));
        }
        World {
            connections,
            row: stage.row,
            copies: vec![BTreeMap::new(); ACTORS],
            model: Model::new(stage.locks, rows),
            writes: 0,
        }
    }

    pub(super) fn run(&mut self, steps: &mut IntoIter<Step>) {
        while let Some((actor, id, act)) = steps.next() {
            let mut conn = self.connections[actor].take().unwrap();
            match act {
                Act::Begin => {
                    self.outermost(actor, &mut conn, steps);
                    self.check_what_was_returned(actor, &mut conn);
                }
                Act::Commit | Act::Rollback => {}
                _ => self.act(actor, id, act, &mut conn),
            }
            self.connections[actor] = Some(conn);
        }
    }

    /// One transaction, with all that happens until it ends.
    fn outermost(&mut self, actor: usize, conn: &mut C, steps: &mut IntoIter<Step>) {
        let copies = self.copies[actor].clone();
        self.model.begin(actor);
        let outcome = transaction(conn, |conn| self.inside(actor, conn, steps));
        if outcome.is_ok() {
            self.model.commit();
        } else {
            // What was produced inside is dropped with it.
            self.model.roll_back();
            self.copies[actor] = copies;
        }
    }

    fn savepoint(&mut self, actor: usize, conn: &mut C, steps: &mut IntoIter<Step>) {
        let (savepoint, copies) = (self.model.savepoint(), self.copies[actor].clone());
        let outcome = transaction(conn, |conn| self.inside(actor, conn, steps));
        if outcome.is_err() {
            self.model.roll_back_to(savepoint);
            self.copies[actor] = copies;
        }
    }

    fn inside(
        &mut self,
        actor: usize,
        conn: &mut C,
        steps: &mut IntoIter<Step>,
    ) -> Result<(), Error> {
        while let Some((who, id, act)) = steps.next() {
            match act {
                Act::Begin if who == actor => self.savepoint(actor, conn, steps),
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

    fn act(&mut self, actor: usize, id: i64, act: Act, conn: &mut C) {
        match act {
            Act::Load => self.load(actor, id, conn),
            _ => self.write(actor, id, act, conn),
        }
    }

    fn load(&mut self, actor: usize, id: i64, conn: &mut C) {
        let expected = self.model.read(actor, id);
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

    fn write(&mut self, actor: usize, id: i64, act: Act, conn: &mut C) {
        let Some(copy) = self.copies[actor].get(&id).cloned() else { return };
        let way = self.model.way(actor, id, copy.version);
        if way == Way::NobodyKnows {
            return;
        }
        self.writes += 1;
        let title = format!("write {}", self.writes);
        let before = (self.row)(id, conn);
        let seen = before.as_ref().map(|document| (document.title.clone(), document.version));
        assert_eq!(seen, self.model.read(actor, id));
        let changed = Document { title: title.clone(), ..copy.clone() };
        // A modification is based on whatever is there.
        let mut base = copy.version;
        let answer = match act {
            Act::Save => changed.save(conn).map(Some),
            Act::Touch => copy.touch(conn).map(Some),
            Act::Delete => copy.delete(conn).map(|()| None),
            Act::Modify if !self.model.is_open() => {
                base = before.map_or(base, |document| document.version);
                let change = |document: &mut Document| document.title.clone_from(&title);
                match Document::modify(id, &mut *conn, change) {
                    Err(error) if error.is_not_found() => return assert_eq!(seen, None),
                    answer => answer.map(Some),
                }
            }
            _ => Document::patch(id, base, Title { title }, conn)
                .map(|version| Some(Document { version, ..changed })),
        };
        let present = self.model.present(actor, id);
        match (answer, present) {
            (answer, _) if way == Way::Blocked => {
                assert!(answer.as_ref().is_err_and(Error::is_retryable), "{answer:?}");
            }
            (Ok(written), Some((_, current))) if current == base => {
                let row = written.as_ref().map(|it| (it.title.clone(), it.version));
                self.model.written(actor, id, seen.unwrap().1, row);
                if let Some(document) = written {
                    assert_eq!(document.version, base + 1);
                    self.copies[actor].insert(id, document);
                }
            }
            (Err(error), Some((_, current))) if current != base => {
                let found = Found::Version(current.to_string());
                assert_eq!(*error.conflict().unwrap().found(), found);
                self.model.missed(actor, id);
            }
            (Err(error), None) => {
                assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
                self.model.missed(actor, id);
            }
            (answer, current) => panic!("{answer:?} for version {base} of {current:?}"),
        }
    }

    /// What an acknowledged transaction gave its caller is what the rows held at its commit.
    fn check_what_was_returned(&self, actor: usize, conn: &mut C) {
        for (id, copy) in &self.copies[actor] {
            if self.model.committed(*id).is_some_and(|(_, version)| *version == copy.version) {
                assert_eq!((self.row)(*id, conn).as_ref(), Some(copy));
            }
        }
    }

    /// What has to hold whatever happened.
    pub(super) fn check(mut self) {
        let conn = self.connections[0].as_mut().unwrap();
        for id in 1..=RECORDS {
            let stored = (self.row)(id, conn).map(|document| (document.title, document.version));
            assert_eq!(stored.as_ref(), self.model.committed(id));
        }
        assert!(self.model.no_two_writes_share_a_base());
    }
}
