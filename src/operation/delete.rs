//! `delete`: one guarded DELETE.

use diesel::QueryResult;

use super::child;
use super::outcome::{self, Write};
use super::store::Store;
use crate::error::Result;
use crate::model::Versioned;
use crate::transaction::is_alone;

pub(super) fn delete<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<()> {
    if let Some(root) = model.__root_key() {
        return child::delete(model, &root, conn);
    }
    let (key, expected) = (model.key(), model.version());
    deleted::<M, C>(&key, expected, conn, |conn| conn.__delete(&key, expected))
}

/// Has a guarded delete sent.
pub(super) fn deleted<M, C>(
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
    send: impl FnOnce(&mut C) -> QueryResult<usize>,
) -> Result<()>
where
    M: Versioned,
    C: Store<M>,
{
    let alone = is_alone(conn);
    let rows = send(conn);
    outcome::written(rows, Write { key, expected, next: None, alone }, conn)
}
