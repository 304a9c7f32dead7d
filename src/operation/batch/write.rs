//! How a batch is written, and what became of each of its records.

use super::store::{Form, Kind, StoreBatch};
use crate::error::{ConcurrentModificationError, Error, Found, Reason, Result};
use crate::key::Key;
use crate::model::{Versioned, record};
use crate::operation::outcome::{self, Write};
use crate::operation::{delete, save};
use crate::statement::batch::union::Row;
use crate::transaction::{is_alone, transaction};
use crate::version::Version;

/// What became of a record: the version that it was given, or the conflict.
type Outcome<V> = Result<V, ConcurrentModificationError>;

/// Writes all of them, or none; the versions that they have then.
pub(super) fn all<M, C>(models: &[M], kind: Kind, conn: &mut C) -> Result<Vec<M::Version>>
where
    M: Versioned,
    C: StoreBatch<M>,
{
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let batch = Batch::new(models, kind)?;
    let alone = is_alone(conn);
    let answer = transaction(conn, |conn| {
        let (written, refused) = split(batch.write(conn)?);
        conflicts(refused).map_or(Ok(written), Err)
    });
    answer.map_err(|error| if alone { batch.who_was_faster(error, conn) } else { error })
}

/// Writes those that can be written.
pub(super) fn each<M, C>(models: &[M], kind: Kind, conn: &mut C) -> Result<Vec<Outcome<M::Version>>>
where
    M: Versioned,
    C: StoreBatch<M>,
{
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let batch = Batch::new(models, kind)?;
    transaction(conn, |conn| batch.write(conn))
}

/// What was found of the records of a chunk: the places of those that are current, and the conflicts of those
/// that have another version.
type Held = (Vec<usize>, Vec<(usize, ConcurrentModificationError)>);

struct Batch<'a, M: Versioned> {
    kind: Kind,
    records: Vec<Record<'a, M>>,
    /// The records' places in the order that all batches share.
    order: Vec<usize>,
}

struct Record<'a, M: Versioned> {
    model: &'a M,
    key: M::Key,
    next: M::Version,
}

impl<'a, M: Versioned> Batch<'a, M> {
    /// Whether a write is more than its statement: a version to be read back, a root to be bumped.
    const SINGLY: bool = M::BY_TRIGGER || M::HAS_ROOT;

    fn new(models: &'a [M], kind: Kind) -> Result<Self> {
        let mut records = Vec::with_capacity(models.len());
        let mut texts = Vec::with_capacity(models.len());
        for (place, model) in models.iter().enumerate() {
            let key = model.key();
            let next = match kind {
                // The trigger's is not known before.
                Kind::Save if !M::BY_TRIGGER => outcome::next::<M>(&key, model.version())?,
                Kind::Save | Kind::Delete => model.version().clone(),
            };
            texts.push((key.text(), place));
            records.push(Record { model, key, next });
        }
        texts.sort_unstable();
        if let Some(pair) = texts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let (_, place) = pair[0];
            return Err(Error::TwiceInBatch(record::<M>(&records[place].key)));
        }
        let mut order: Vec<usize> = texts.into_iter().map(|(_, place)| place).collect();
        if M::HAS_ROOT {
            // Each write takes its root first, so the roots' order is the one that has to be shared.
            let root = |place: &usize| models[*place].__root_key().map(|key| key.text());
            order.sort_by_cached_key(root);
        }
        Ok(Batch { kind, records, order })
    }

    /// Writes what can be written, in an open transaction.
    fn write<C: StoreBatch<M>>(&self, conn: &mut C) -> Result<Vec<Outcome<M::Version>>> {
        let mut outcomes = Outcomes::of(self.records.len());
        match conn.__form() {
            Form::Arrays(rows) if !Self::SINGLY => {
                for chunk in self.order.chunks(rows) {
                    self.by_arrays(chunk, &mut outcomes, conn)?;
                }
            }
            Form::Union(rows, row) if !Self::SINGLY => {
                for chunk in self.order.chunks(rows) {
                    self.by_union(chunk, row, &mut outcomes, conn)?;
                }
            }
            Form::Singly | Form::Arrays(_) | Form::Union(..) => {}
        }
        // What nothing is known of so far: all, or those that were not there to be held.
        for place in outcomes.open(&self.order) {
            outcomes.tell(place, self.singly(place, conn)?);
        }
        Ok(outcomes.told())
    }

    fn by_arrays<C: StoreBatch<M>>(
        &self,
        chunk: &[usize],
        outcomes: &mut Outcomes<M::Version>,
        conn: &mut C,
    ) -> Result<()> {
        let records = || chunk.iter().map(|place| &self.records[*place]);
        let models: Vec<&M> = records().map(|record| record.model).collect();
        let next: Vec<&M::Version> = records().map(|record| &record.next).collect();
        for position in conn.__write_arrays(self.kind, &models, &next)? {
            let Some(place) = chunk.get(position).copied() else { continue };
            if outcomes.is_told(place) {
                let record = record::<M>(&self.records[place].key);
                return Err(Error::KeyNotUnique { record, rows: 2 });
            }
            outcomes.tell(place, Ok(self.records[place].next.clone()));
        }
        for place in outcomes.open(chunk) {
            outcomes.tell(place, self.missed(place, conn)?);
        }
        Ok(())
    }

    /// Does nothing when the statements have not written just what they should, or were refused: each
    /// record is then written, and judged, on its own. What the database makes of a value that does not
    /// fit is for the single statement to say.
    fn by_union<C: StoreBatch<M>>(
        &self,
        chunk: &[usize],
        row: &'static str,
        outcomes: &mut Outcomes<M::Version>,
        conn: &mut C,
    ) -> Result<()> {
        enum Undone {
            NotWhole,
            Error(Error),
        }
        impl From<Error> for Undone {
            fn from(error: Error) -> Self {
                Undone::Error(error)
            }
        }
        let told = transaction(conn, |conn| {
            let (current, told) = self.hold(chunk, row, conn)?;
            let rows: Vec<Row<'_, M>> = current.iter().map(|place| self.row(*place)).collect();
            let written = match rows.len() {
                0 => 0,
                _ => conn.__write_union(self.kind, &rows, row).map_err(Error::from)?,
            };
            if written == rows.len() { Ok((current, told)) } else { Err(Undone::NotWhole) }
        });
        match told {
            Ok((written, told)) => {
                for place in written {
                    outcomes.tell(place, Ok(self.records[place].next.clone()));
                }
                told.into_iter().for_each(|(place, conflict)| outcomes.tell(place, Err(conflict)));
                Ok(())
            }
            Err(Undone::NotWhole | Undone::Error(Error::Database(_))) => Ok(()),
            Err(Undone::Error(error)) => Err(error),
        }
    }

    /// Holds the records of a chunk. Of those that are not there, nothing is told.
    fn hold<C: StoreBatch<M>>(
        &self,
        chunk: &[usize],
        row: &'static str,
        conn: &mut C,
    ) -> Result<Held> {
        let rows: Vec<Row<'_, M>> = chunk.iter().map(|place| self.row(*place)).collect();
        let (mut current, mut stale) = (Vec::with_capacity(chunk.len()), Vec::new());
        let mut seen = vec![false; chunk.len()];
        for (position, version) in conn.__hold_all(&rows, row)? {
            let Some(place) = chunk.get(position).copied() else { continue };
            let Record { model, ref key, .. } = self.records[place];
            if std::mem::replace(&mut seen[position], true) {
                return Err(Error::KeyNotUnique { record: record::<M>(key), rows: 2 });
            }
            if version == *model.version() {
                current.push(place);
            } else {
                let found = Found::Version(version.text().into_owned());
                stale.push((place, outcome::refused_write::<M>(key, model.version(), found)));
            }
        }
        Ok((current, stale))
    }

    fn row(&self, place: usize) -> Row<'_, M> {
        let Record { model, key, next, .. } = &self.records[place];
        Row { model, key, next }
    }

    fn singly<C: StoreBatch<M>>(&self, place: usize, conn: &mut C) -> Result<Outcome<M::Version>> {
        let model = self.records[place].model;
        let written = match self.kind {
            Kind::Save => save::write(model, conn),
            Kind::Delete => delete::delete(model, conn).map(|()| model.version().clone()),
        };
        match written {
            Ok(version) => Ok(Ok(version)),
            Err(Error::ConcurrentModification(conflict)) => Ok(Err(conflict)),
            Err(error) => Err(error),
        }
    }

    /// What is there instead of what was to be written.
    fn missed<C: StoreBatch<M>>(&self, place: usize, conn: &mut C) -> Result<Outcome<M::Version>> {
        let Record { model, ref key, .. } = self.records[place];
        let write = Write { key, expected: model.version(), next: None, alone: false };
        match outcome::missed::<M, C>(write, conn) {
            Error::ConcurrentModification(conflict) => Ok(Err(conflict)),
            error => Err(error),
        }
    }

    /// The conflicts, where the database has ended a transaction that was this batch's alone, because
    /// others had written.
    #[cold]
    fn who_was_faster<C: StoreBatch<M>>(&self, error: Error, conn: &mut C) -> Error {
        let is_for_others = matches!(&error, Error::Unavailable(unavailable)
            if matches!(unavailable.reason(), Reason::Serialization | Reason::Deadlock));
        if !is_for_others {
            return error;
        }
        let faster = self.records.iter().filter_map(|record| {
            match outcome::faster::<M, C>(&record.key, record.model.version(), conn) {
                Some(Error::ConcurrentModification(conflict)) => Some(conflict),
                _ => None,
            }
        });
        conflicts(faster.collect()).unwrap_or(error)
    }
}

/// The outcomes so far, by place.
struct Outcomes<V>(Vec<Option<Outcome<V>>>);

impl<V> Outcomes<V> {
    fn of(records: usize) -> Self {
        Outcomes((0..records).map(|_| None).collect())
    }

    fn tell(&mut self, place: usize, outcome: Outcome<V>) {
        self.0[place] = Some(outcome);
    }

    fn is_told(&self, place: usize) -> bool {
        self.0[place].is_some()
    }

    /// Those of `places` that nothing is known of yet.
    fn open(&self, places: &[usize]) -> Vec<usize> {
        places.iter().copied().filter(|place| !self.is_told(*place)).collect()
    }

    /// All of them; each is told by then.
    fn told(self) -> Vec<Outcome<V>> {
        self.0.into_iter().flatten().collect()
    }
}

fn split<V>(outcomes: Vec<Outcome<V>>) -> (Vec<V>, Vec<ConcurrentModificationError>) {
    let (mut written, mut refused) = (Vec::with_capacity(outcomes.len()), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(version) => written.push(version),
            Err(conflict) => refused.push(conflict),
        }
    }
    (written, refused)
}

/// All conflicts as one error: the first one, which tells of the others.
fn conflicts(refused: Vec<ConcurrentModificationError>) -> Option<Error> {
    let mut refused = refused.into_iter();
    let first = refused.next()?;
    Some(Error::ConcurrentModification(first.with_others(refused.collect())))
}
