//! How a batch is written, and what became of each of its records.

use super::store::{Form, Kind, StoreBatch};
use crate::error::{ConcurrentModificationError, Error, Found, Reason, Result};
use crate::key::Key;
use crate::model::{Versioned, record};
use crate::operation::outcome::{self, Write};
use crate::operation::{delete, save};
use crate::statement::batch::union::Row;
use crate::transaction::{attempt, is_alone, of_statements};
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
    let answer = batch.in_one_transaction(conn, |outcomes| {
        let (written, refused) = split(outcomes);
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
    let alone = is_alone(conn);
    let mut outcomes = batch.in_one_transaction(conn, Ok)?;
    if alone {
        batch.look_again(&mut outcomes, conn);
    }
    Ok(outcomes)
}

/// Why the records of a batch were not written together.
enum NotTogether {
    /// The statements have not written just what they should.
    NotWhole,
    Error(Error),
}

impl From<Error> for NotTogether {
    fn from(error: Error) -> Self {
        NotTogether::Error(error)
    }
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

    /// Writes what can be written, in a transaction that `judge` decides upon.
    ///
    /// When the statements for many records have not written just what they should, or were refused, all of
    /// it is undone, and each record is written, and judged, on its own: what the database makes of a value
    /// that does not fit, or of a table with rules, is for the single statement to say. Nothing is tried again
    /// when it could not be undone: the database has ended the transaction then, or the connection.
    fn in_one_transaction<C, R>(
        &self,
        conn: &mut C,
        judge: impl Fn(Vec<Outcome<M::Version>>) -> Result<R>,
    ) -> Result<R>
    where
        C: StoreBatch<M>,
    {
        let form = conn.__form();
        if !Self::SINGLY && !matches!(form, Form::Singly) {
            let answer = attempt(conn, |conn| Ok(judge(self.together(form, conn)?)?));
            match answer {
                Ok(judged) => return Ok(judged),
                Err((NotTogether::NotWhole | NotTogether::Error(Error::Database(_)), true)) => {}
                Err((NotTogether::Error(error), _)) => return Err(error),
                Err((NotTogether::NotWhole, false)) => {
                    return Err(Error::RolledBack(diesel::result::Error::NotInTransaction));
                }
            }
        }
        of_statements(conn, |conn| {
            let mut outcomes = Outcomes::of(self.records.len());
            for place in self.order.iter().copied() {
                outcomes.tell(place, self.singly(place, conn)?);
            }
            judge(outcomes.told())
        })
    }

    fn together<C: StoreBatch<M>>(
        &self,
        form: Form,
        conn: &mut C,
    ) -> Result<Vec<Outcome<M::Version>>, NotTogether> {
        let mut outcomes = Outcomes::of(self.records.len());
        match form {
            Form::Singly => {}
            Form::Arrays(rows) => {
                for chunk in self.order.chunks(rows) {
                    self.by_arrays(chunk, &mut outcomes, conn)?;
                }
            }
            Form::Union(rows, row) => {
                for chunk in self.order.chunks(rows) {
                    self.by_union(chunk, row, &mut outcomes, conn)?;
                }
            }
        }
        // Those that were not written, and that nothing is known of: they were not there.
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
        row: &'static str,
        outcomes: &mut Outcomes<M::Version>,
        conn: &mut C,
    ) -> Result<(), NotTogether> {
        let current = self.hold(chunk, row, outcomes, conn)?;
        let rows: Vec<Row<'_, M>> = current.iter().map(|place| self.row(*place)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let written = conn.__write_union(self.kind, &rows, row).map_err(Error::from)?;
        if written != rows.len() {
            return Err(NotTogether::NotWhole);
        }
        for place in current {
            outcomes.tell(place, Ok(self.records[place].next.clone()));
        }
        Ok(())
    }

    /// Holds the records of a chunk: the places of those that are current. Those that have another version are
    /// told as that, and of those that are not there nothing is told.
    fn hold<C: StoreBatch<M>>(
        &self,
        chunk: &[usize],
        row: &'static str,
        outcomes: &mut Outcomes<M::Version>,
        conn: &mut C,
    ) -> Result<Vec<usize>, NotTogether> {
        let rows: Vec<Row<'_, M>> = chunk.iter().map(|place| self.row(*place)).collect();
        let mut current = Vec::with_capacity(chunk.len());
        let mut seen = vec![false; chunk.len()];
        for (position, found, version) in conn.__hold_all(&rows, row).map_err(Error::from)? {
            let Some(place) = chunk.get(position).copied() else { continue };
            let Record { model, ref key, .. } = self.records[place];
            if std::mem::replace(&mut seen[position], true) {
                let record = record::<M>(key);
                return Err(Error::KeyNotUnique { record, rows: 2 }.into());
            }
            // In a list, a key becomes what its column can hold, and may find another record by that.
            if found != *key {
                return Err(NotTogether::NotWhole);
            }
            if version == *model.version() {
                current.push(place);
            } else {
                let found = Found::Version(version.text().into_owned());
                let conflict = outcome::refused_write::<M>(key, model.version(), found);
                outcomes.tell(place, Err(conflict));
            }
        }
        Ok(current)
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

    /// The conflicts, where the database has ended a transaction that was this batch's alone because others
    /// had written, or where that transaction could not see what is there.
    #[cold]
    fn who_was_faster<C: StoreBatch<M>>(&self, error: Error, conn: &mut C) -> Error {
        let is_for_others = match &error {
            Error::Unavailable(unavailable) => {
                matches!(unavailable.reason(), Reason::Serialization | Reason::Deadlock)
            }
            Error::ConcurrentModification(conflict) => {
                std::iter::once(conflict).chain(conflict.others()).any(is_unknown)
            }
            _ => false,
        };
        if !is_for_others {
            return error;
        }
        let faster = self.records.iter().filter_map(|record| Self::faster(record, conn));
        conflicts(faster.collect()).unwrap_or(error)
    }

    /// Tells of the conflicts that a transaction could not see what is there now.
    fn look_again<C: StoreBatch<M>>(&self, outcomes: &mut [Outcome<M::Version>], conn: &mut C) {
        for (outcome, record) in outcomes.iter_mut().zip(&self.records) {
            if outcome.as_ref().is_err_and(is_unknown)
                && let Some(conflict) = Self::faster(record, conn)
            {
                *outcome = Err(conflict);
            }
        }
    }

    fn faster<C: StoreBatch<M>>(
        record: &Record<'_, M>,
        conn: &mut C,
    ) -> Option<ConcurrentModificationError> {
        match outcome::faster::<M, C>(&record.key, record.model.version(), conn) {
            Some(Error::ConcurrentModification(conflict)) => Some(conflict),
            _ => None,
        }
    }
}

fn is_unknown(conflict: &ConcurrentModificationError) -> bool {
    *conflict.found() == Found::Unknown
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
