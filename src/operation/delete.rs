//! `delete`: one guarded DELETE.

use super::outcome::{self, Write};
use super::store::Store;
use crate::error::Result;
use crate::model::Versioned;
use crate::transaction::is_alone;

pub(super) fn delete<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<()> {
    let key = model.key();
    let alone = is_alone(conn);
    let rows = conn.__delete(&key, model.version());
    let write = Write { key: &key, expected: model.version(), next: None, alone };
    outcome::written(rows, write, conn)
}
