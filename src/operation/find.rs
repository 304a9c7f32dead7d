//! `find`, `find_at`, and `reload`: one record by its key.

use super::outcome;
use super::store::{Seen, Store};
use crate::error::{Error, Found, Result};
use crate::model::{Versioned, record};
use crate::version::Version;

pub(super) fn find<M: Versioned, C: Store<M>>(key: &M::Key, conn: &mut C) -> Result<M> {
    present(key, conn)?.ok_or_else(|| Error::NotFound(record::<M>(key)))
}

pub(super) fn find_at<M: Versioned, C: Store<M>>(
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
) -> Result<M> {
    let found = match present::<M, C>(key, conn)? {
        Some(model) if model.version() == expected => return Ok(model),
        Some(model) => Found::Version(model.version().text().into_owned()),
        // The select cannot tell a row that is gone from one that this account is not to see.
        None => match conn.__look(key) {
            Ok(Seen::Nothing | Seen::Version(_)) => Found::Deleted,
            Ok(Seen::Hidden) | Err(_) => Found::Unknown,
        },
    };
    Err(outcome::conflict::<M>(key, expected, found))
}

/// The record with this key, if there is one. Two of them are one too many.
pub(super) fn present<M: Versioned, C: Store<M>>(key: &M::Key, conn: &mut C) -> Result<Option<M>> {
    let mut models = conn.__select(key)?;
    match models.len() {
        0 | 1 => Ok(models.pop()),
        rows => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
    }
}
