//! `save` and `touch`: one guarded UPDATE.

use super::outcome::{self, Write};
use super::store::Store;
use crate::error::Result;
use crate::model::Versioned;
use crate::transaction::is_alone;

pub(super) fn save<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let key = model.key();
    let next = outcome::next::<M>(&key, model.version())?;
    let alone = is_alone(conn);
    let rows = conn.__update(&model, &next, &key);
    let write = Write { key: &key, expected: model.version(), next: Some(&next), alone };
    outcome::written(rows, write, conn)?;
    // Only now: a version that was raised before the row is would pass for the row's.
    model.__set_version(next);
    Ok(model)
}

pub(super) fn touch<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let key = model.key();
    let next = outcome::next::<M>(&key, model.version())?;
    let alone = is_alone(conn);
    let rows = conn.__touch(&next, &key, model.version());
    let write = Write { key: &key, expected: model.version(), next: Some(&next), alone };
    outcome::written(rows, write, conn)?;
    model.__set_version(next);
    Ok(model)
}
