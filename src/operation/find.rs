//! `find`, `find_at`, and `reload`: one record by its key.

use super::outcome;
use super::store::{Seen, Store};
use crate::error::{Error, Found, Result};
use crate::model::{Versioned, record};
use crate::transaction::is_alone;
use crate::version::Version;

pub(super) fn find<M: Versioned, C: Store<M>>(key: &M::Key, conn: &mut C) -> Result<M> {
    present(key, conn)?.ok_or_else(|| Error::NotFound(record::<M>(key)))
}

pub(super) fn find_at<M: Versioned, C: Store<M>>(
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
) -> Result<M> {
    match present::<M, C>(key, conn)? {
        Some(model) if model.version() == expected => Ok(model),
        Some(model) => {
            let found = Found::Version(model.version().text().into_owned());
            Err(outcome::conflict::<M>(key, expected, found))
        }
        // The select cannot tell a row that is gone from one that this account is not to see, or that was
        // created meanwhile.
        None => {
            let alone = is_alone(conn);
            let look = if alone { conn.__look(key) } else { conn.__look_inside(key) };
            let look = look.map(|seen| match seen {
                Seen::Version(present) if present == *expected => Seen::Hidden,
                seen => seen,
            });
            Err(outcome::refusal::<M>(look, key, expected, alone))
        }
    }
}

/// The record with this key, if there is one.
pub(super) fn present<M: Versioned, C: Store<M>>(key: &M::Key, conn: &mut C) -> Result<Option<M>> {
    one(key, conn.__select(key)?)
}

/// The record that a select by its key has found, if it has. Two of them are one too many.
pub(super) fn one<M: Versioned>(key: &M::Key, mut models: Vec<M>) -> Result<Option<M>> {
    match models.len() {
        0 | 1 => Ok(models.pop()),
        rows => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
    }
}
