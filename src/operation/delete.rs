//! `delete`: one guarded DELETE.

use super::outcome;
use super::store::Store;
use crate::error::Result;
use crate::model::Versioned;

pub(super) fn delete<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<()> {
    let key = model.key();
    let rows = conn.__delete(&key, model.version());
    outcome::written(rows, &key, model.version(), conn)
}
