//! `modify`: load, change, save, and again on conflict.

use super::outcome::{self, Attempt, Lost};
use super::store::Store;
use super::{find, row_lock, save};
use crate::backend::RowLock;
use crate::error::{Error, Found, Result};
use crate::key::Key;
use crate::model::{Versioned, record};
use crate::retry::{Failed, Policy, Retry, Retryable, Source, System, attempts, is_inside};
use crate::transaction::short;
use crate::version::Version;

pub(super) fn modify<M, S, E>(
    key: &M::Key,
    source: S,
    policy: &Policy,
    mut change: impl FnMut(&mut M) -> Result<(), E>,
) -> Result<M, E>
where
    M: Versioned,
    S: Source<Conn: Store<M>>,
    E: From<Error>,
{
    let policy = policy.clone().on_conflict();
    let mut conflicts = 0;
    let attempt = |conn: &mut S::Conn| {
        let inside =
            is_inside(conn, &policy).map_err(|error| Failed::last(Failure::Ours(error)))?;
        let answer = if conflicts < policy.escalate_after {
            once(find::find(key, conn), conn, &mut change)
        } else {
            in_turn(key, conn, &mut change)
        };
        answer.map_err(|failure| {
            conflicts += u32::from(failure.is_conflict());
            let retry = if inside { Retry::Never } else { failure.asks() };
            Failed { error: failure, retry }
        })
    };
    attempts(source, &policy, &mut System::default(), attempt).map_err(|given_up| {
        match given_up.error {
            Failure::Ours(mut error) => {
                error.set_attempts(given_up.attempts);
                error.into()
            }
            Failure::Theirs(error) => error,
        }
    })
}

/// One attempt with what was loaded.
fn once<M, C, E>(
    loaded: Result<M>,
    conn: &mut C,
    change: &mut impl FnMut(&mut M) -> Result<(), E>,
) -> Result<M, Failure<E>>
where
    M: Versioned,
    C: Store<M>,
{
    let mut model = loaded?;
    // As the row has it: a database may take a key for another one (case, trailing spaces).
    let key = model.key();
    let loaded = model.version().clone();
    change(&mut model).map_err(Failure::Theirs)?;
    if model.key() != key {
        let changed = model.key().text();
        return Err(Failure::Ours(Error::KeyChanged { loaded: record::<M>(&key), changed }));
    }
    // What was loaded is what is compared, whatever the change did to the field.
    model.__set_version(loaded);
    Ok(save::save(model, conn)?)
}

/// One attempt that nobody comes in between: whoever wants the same row as well waits for it.
///
/// Its transaction sees what is committed by then. At a higher isolation level, who has waited for the row
/// would be refused for it.
fn in_turn<M, C, E>(
    key: &M::Key,
    conn: &mut C,
    change: &mut impl FnMut(&mut M) -> Result<(), E>,
) -> Result<M, Failure<E>>
where
    M: Versioned,
    C: Store<M>,
{
    let mut written = None;
    let answer = short(conn, |conn| {
        // As every write of a child does: whoever has the child and then wants its root waits for somebody
        // who has the root and wants the child.
        let root = if M::HAS_ROOT { find::find::<M, C>(key, conn)?.__root_key() } else { None };
        if let Some(root) = &root {
            conn.__hold_root(root)?;
        }
        let loaded = row_lock::locked::<M, C>(key, RowLock::for_update(), conn)?;
        let loaded = loaded.ok_or_else(|| Error::NotFound(record::<M>(key)))?;
        if loaded.__root_key() != root {
            // It was moved in between: the root that is held is not the one to hold.
            let found = Found::Unknown;
            return Err(outcome::conflict::<M>(&loaded.key(), loaded.version(), found).into());
        }
        let expected = loaded.version().clone();
        let saved = once(Ok(loaded), conn, change)?;
        written = Some((saved.key(), expected, saved.version().clone()));
        Ok(saved)
    });
    answer.map_err(|failure| match (failure, written) {
        // A COMMIT that was lost: it was one write, and its record is known.
        (Failure::Ours(Error::UnknownOutcome(unknown)), Some((key, expected, next))) => {
            let (from, to) = (expected.text().into_owned(), next.text().into_owned());
            let record = record::<M>(&key);
            let lost = Lost::<M> { key, expected, attempt: Attempt::Version(next) };
            Failure::Ours(Error::UnknownOutcome(unknown.about(record, from, Some(to), lost)))
        }
        (failure, _) => failure,
    })
}

/// An attempt's error: one of this crate's, or the change's own.
enum Failure<E> {
    Ours(Error),
    Theirs(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Failure::Ours(error)
    }
}

impl<E> Failure<E> {
    fn is_conflict(&self) -> bool {
        matches!(self, Failure::Ours(error) if error.is_conflict())
    }

    fn asks(&self) -> Retry {
        match self {
            // There is nothing left to load.
            Failure::Ours(Error::ConcurrentModification(conflict))
                if *conflict.found() == Found::Deleted =>
            {
                Retry::Never
            }
            Failure::Ours(error) => error.retry(),
            Failure::Theirs(_) => Retry::Never,
        }
    }
}
