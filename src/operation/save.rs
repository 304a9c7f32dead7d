//! `save` and `touch`: one guarded UPDATE.

use diesel::QueryResult;

use super::outcome::{self, Write};
use super::store::Store;
use super::{by_trigger, child};
use crate::error::Result;
use crate::model::Versioned;
use crate::transaction::is_alone;

pub(super) fn save<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let version = write(&model, conn)?;
    // Only now: a version that was raised before the row is would pass for the row's.
    model.__set_version(version);
    Ok(model)
}

/// Saves the model; the version that its row has then.
pub(super) fn write<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<M::Version> {
    if let Some(root) = model.__root_key() {
        return child::save(model, &root, conn);
    }
    let key = model.key();
    raised::<M, C>(&key, model.version(), conn, |conn, next| conn.__update(model, next, &key))
}

pub(super) fn touch<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    if let Some(root) = model.__root_key() {
        return child::touch(model, &root, conn);
    }
    let version = touched::<M, C>(&model.key(), model.version(), conn)?;
    model.__set_version(version);
    Ok(model)
}

/// The version that a touch of this record gives it.
pub(super) fn touched<M, C>(key: &M::Key, expected: &M::Version, conn: &mut C) -> Result<M::Version>
where
    M: Versioned,
    C: Store<M>,
{
    raised::<M, C>(key, expected, conn, |conn, next| conn.__touch(next, key, expected))
}

/// Has a guarded write sent that moves the version on, and answers the version that the row has then.
///
/// `send` is told the version that it is to leave; where a trigger chooses it, the expected one.
#[inline]
pub(super) fn raised<M, C>(
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
    send: impl FnOnce(&mut C, &M::Version) -> QueryResult<usize>,
) -> Result<M::Version>
where
    M: Versioned,
    C: Store<M>,
{
    if M::BY_TRIGGER {
        return by_trigger::write::<M, C>(key, expected, conn, |conn| send(conn, expected));
    }
    let next = outcome::next::<M>(key, expected)?;
    let alone = is_alone(conn);
    let rows = send(conn, &next);
    outcome::written(rows, Write { key, expected, next: Some(&next), alone }, conn)?;
    Ok(next)
}

/// A save that `send` sends in its own way. Gives the model back when no row was changed.
pub(crate) fn written_alone<M, C>(
    mut model: M,
    conn: &mut C,
    send: impl FnOnce(&M, &M::Version, &mut C) -> QueryResult<usize>,
) -> Result<Result<M, M>>
where
    M: Versioned,
    C: Store<M>,
{
    let key = model.key();
    let next = outcome::next::<M>(&key, model.version())?;
    let alone = is_alone(conn);
    let rows = send(&model, &next, conn);
    if let Ok(0) = rows {
        return Ok(Err(model));
    }
    let write = Write { key: &key, expected: model.version(), next: Some(&next), alone };
    outcome::written(rows, write, conn)?;
    model.__set_version(next);
    Ok(Ok(model))
}
