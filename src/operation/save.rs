//! `save` and `touch`: one guarded UPDATE.

use super::outcome;
use super::store::Store;
use crate::error::Result;
use crate::model::Versioned;

pub(super) fn save<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let key = model.key();
    let next = outcome::next::<M>(&key, model.version())?;
    let rows = conn.__update(&model, &next, &key);
    outcome::written(rows, &key, model.version(), conn)?;
    // Only now: a version that was raised before the row is would pass for the row's.
    model.__set_version(next);
    Ok(model)
}

pub(super) fn touch<M: Versioned, C: Store<M>>(mut model: M, conn: &mut C) -> Result<M> {
    let key = model.key();
    let next = outcome::next::<M>(&key, model.version())?;
    let rows = conn.__touch(&next, &key, model.version());
    outcome::written(rows, &key, model.version(), conn)?;
    model.__set_version(next);
    Ok(model)
}
