//! `modify`: load, change, save, and again on conflict.

use super::store::Store;
use super::{find, save};
use crate::error::{Error, Found, Result};
use crate::key::Key;
use crate::model::{Versioned, record};
use crate::retry::{Failed, Policy, Retry, Retryable, Source, System, attempts, is_inside};

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
    let attempt = |conn: &mut S::Conn| {
        let inside =
            is_inside(conn, &policy).map_err(|error| Failed::last(Failure::Ours(error)))?;
        once(key, conn, &mut change).map_err(|failure| {
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

fn once<M, C, E>(
    key: &M::Key,
    conn: &mut C,
    change: &mut impl FnMut(&mut M) -> Result<(), E>,
) -> Result<M, Failure<E>>
where
    M: Versioned,
    C: Store<M>,
{
    let mut model: M = find::find(key, conn)?;
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
