//! How a batch is written, and what became of each of its records.

use std::collections::{HashMap, HashSet};

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

struct Batch<'a, M: Versioned> {
    kind: Kind,
    records: Vec<Record<'a, M>>,
    /// The records' places in the order that all batches share.
    order: Vec<usize>,
}

struct Record<'a, M: Versioned> {
    model: &'a M,
    key: M::Key,
    text: String,
    next: M::Version,
}

impl<'a, M: Versioned> Batch<'a, M> {
    fn new(models: &'a [M], kind: Kind) -> Result<Self> {
        let mut seen = HashSet::with_capacity(models.len());
        let mut records = Vec::with_capacity(models.len());
        for model in models {
            let key = model.key();
            let text = key.text();
            if !seen.insert(text.clone()) {
                return Err(Error::TwiceInBatch(record::<M>(&key)));
            }
            let next = match kind {
                // The trigger's is not known before.
                Kind::Save if !M::BY_TRIGGER => outcome::next::<M>(&key, model.version())?,
                Kind::Save | Kind::Delete => model.version().clone(),
            };
            records.push(Record { model, key, text, next });
        }
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_unstable_by(|one, other| records[*one].text.cmp(&records[*other].text));
        Ok(Batch { kind, records, order })
    }

    /// Writes what can be written, in an open transaction.
    fn write<C: StoreBatch<M>>(&self, conn: &mut C) -> Result<Vec<Outcome<M::Version>>> {
        let mut outcomes = Outcomes::of(self.records.len());
        match conn.__form() {
            Form::Arrays(rows) if !M::BY_TRIGGER => {
                for chunk in self.order.chunks(rows) {
                    self.by_arrays(chunk, &mut outcomes, conn)?;
                }
            }
            Form::Union(rows) if !M::BY_TRIGGER => {
                for chunk in self.order.chunks(rows) {
                    self.by_union(chunk, &mut outcomes, conn)?;
                }
            }
            Form::Singly | Form::Arrays(_) | Form::Union(_) => {}
        }
        // What was not sent so far: all, or those whose rows the database knows by another spelling.
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

    fn by_union<C: StoreBatch<M>>(
        &self,
        chunk: &[usize],
        outcomes: &mut Outcomes<M::Version>,
        conn: &mut C,
    ) -> Result<()> {
        let keys: Vec<&M::Key> = chunk.iter().map(|place| &self.records[*place].key).collect();
        let mut held: HashMap<String, (M::Version, usize)> = HashMap::with_capacity(chunk.len());
        for (key, version) in conn.__hold_all(&keys)? {
            held.entry(key.text()).or_insert((version, 0)).1 += 1;
        }
        let mut current = Vec::with_capacity(chunk.len());
        for place in chunk.iter().copied() {
            let Record { model, ref key, ref text, ref next } = self.records[place];
            match held.get(text) {
                None => {}
                Some((_, rows)) if *rows > 1 => {
                    return Err(Error::KeyNotUnique { record: record::<M>(key), rows: *rows });
                }
                Some((version, _)) if version == model.version() => {
                    current.push((place, Row { model, key, next }));
                }
                Some((version, _)) => {
                    let found = Found::Version(version.text().into_owned());
                    outcomes
                        .tell(place, Err(outcome::refused_write::<M>(key, model.version(), found)));
                }
            }
        }
        let (places, rows): (Vec<usize>, Vec<Row<'_, M>>) = current.into_iter().unzip();
        if !rows.is_empty() && self.written_whole(&rows, conn)? {
            for place in places {
                outcomes.tell(place, Ok(self.records[place].next.clone()));
            }
        }
        Ok(())
    }

    /// Whether the statement has written just these rows. It has written none otherwise: each is then
    /// written, and judged, on its own. So it is too when the statement was refused: what the database
    /// makes of a value that does not fit is for the single statement to say.
    fn written_whole<C: StoreBatch<M>>(&self, rows: &[Row<'_, M>], conn: &mut C) -> Result<bool> {
        enum NotWhole {
            Count,
            Error(Error),
        }
        impl From<Error> for NotWhole {
            fn from(error: Error) -> Self {
                NotWhole::Error(error)
            }
        }
        let written = transaction(conn, |conn| {
            let written = conn.__write_union(self.kind, rows).map_err(Error::from)?;
            if written == rows.len() { Ok(()) } else { Err(NotWhole::Count) }
        });
        match written {
            Ok(()) => Ok(true),
            Err(NotWhole::Count | NotWhole::Error(Error::Database(_))) => Ok(false),
            Err(NotWhole::Error(error)) => Err(error),
        }
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
