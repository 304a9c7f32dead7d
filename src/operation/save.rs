//! `save` and `touch`: one guarded UPDATE.

use diesel::QueryResult;

use super::by_trigger;
use super::outcome::{self, Write};
use super::store::Store;
use crate::error::Result;
use crate::model::Versioned;
use crate::transaction::is_alone;

pub(super) fn save<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let next = write(&model, conn)?;
    // Only now: a version that was raised before the row is would pass for the row's.
    model.__set_version(next);
    Ok(model)
}

/// Writes the model; the version that its row has then.
pub(super) fn write<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<M::Version> {
    let key = model.key();
    if M::BY_TRIGGER {
        return by_trigger::write::<M, C>(&key, model.version(), conn, |conn| {
            conn.__update(model, model.version(), &key)
        });
    }
    let next = outcome::next::<M>(&key, model.version())?;
    let alone = is_alone(conn);
    let rows = conn.__update(model, &next, &key);
    let write = Write { key: &key, expected: model.version(), next: Some(&next), alone };
    outcome::written(rows, write, conn)?;
    Ok(next)
}

pub(super) fn touch<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let key = model.key();
    if M::BY_TRIGGER {
        let raised = by_trigger::write::<M, C>(&key, model.version(), conn, |conn| {
            conn.__touch(model.version(), &key, model.version())
        })?;
        model.__set_version(raised);
        return Ok(model);
    }
    let next = outcome::next::<M>(&key, model.version())?;
    let alone = is_alone(conn);
    let rows = conn.__touch(&next, &key, model.version());
    let write = Write { key: &key, expected: model.version(), next: Some(&next), alone };
    outcome::written(rows, write, conn)?;
    model.__set_version(next);
    Ok(model)
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
