//! `upsert`: a record that is to be new, or is to be at a version.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::store::{Seen, Store};
use super::{create, outcome, save};
use crate::backend::{self, SupportedConnection};
use crate::error::{ConcurrentModificationError, Error, Found, Reason, Result};
use crate::model::{Versioned, record};
use crate::transaction::{is_alone, of_statements};
use crate::version::Version;

pub(super) fn upsert<M: Versioned, C: Store<M>>(
    mut model: M,
    expected: Option<M::Version>,
    conn: &mut C,
) -> Result<M> {
    if let Some(expected) = expected {
        model.__set_version(expected);
        return save::save(model, conn);
    }
    let key = model.key();
    let alone = is_alone(conn);
    // A savepoint where a transaction is open, which an insert that is refused would end otherwise.
    let answer = of_statements(conn, |conn| insert(&model, &key, conn));
    match answer {
        // A transaction that was this insert's alone: the look can tell who was faster.
        Err(Error::Unavailable(unavailable))
            if alone
                && matches!(unavailable.reason(), Reason::Serialization | Reason::Deadlock) =>
        {
            let there = conn.__look(&key).ok().and_then(found::<M>);
            Err(there.map_or(Error::Unavailable(unavailable), |found| exists::<M>(&key, found)))
        }
        answer => answer,
    }
}

fn insert<M: Versioned, C: Store<M>>(model: &M, key: &M::Key, conn: &mut C) -> Result<M> {
    if let Some(root) = model.__root_key() {
        conn.__bump_root(&root)?;
    }
    let initial = M::__initial_version(&outcome::clock::<M>());
    // Twice, since who was there at the insert may be gone at the look.
    for _ in 0..2 {
        let refused = match conn.__insert_record(model, key, &initial) {
            Ok(0) => None,
            Ok(_) => return create::created(key, conn),
            Err(error) if is_duplicate(&error, conn) => Some(error),
            Err(error) => return Err(error.into()),
        };
        match (conn.__look_inside(key), refused) {
            (Ok(Seen::Nothing), None) => {}
            // Another key than this one.
            (Ok(Seen::Nothing), Some(error)) => return Err(error.into()),
            (Ok(seen), _) => {
                return Err(exists::<M>(key, found::<M>(seen).unwrap_or(Found::Unknown)));
            }
            (Err(error), _) if backend::reason(&error).is_some() => return Err(error.into()),
            (Err(_), _) => return Err(exists::<M>(key, Found::Unknown)),
        }
    }
    Err(Error::NotCreated { table: M::TABLE })
}

/// Whether a key of the row is there already, where the database could not be told that it may be.
fn is_duplicate<C: SupportedConnection>(error: &DieselError, conn: &C) -> bool {
    backend::dialect(conn).unless_key_there.is_none()
        && matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

fn found<M: Versioned>(seen: Seen<M::Version>) -> Option<Found> {
    match seen {
        Seen::Version(present) => Some(Found::Version(present.text().into_owned())),
        Seen::InSnapshot(_) | Seen::Hidden | Seen::Nothing => None,
    }
}

fn exists<M: Versioned>(key: &M::Key, found: Found) -> Error {
    let conflict = ConcurrentModificationError::of_creation(record::<M>(key), found);
    Error::ConcurrentModification(conflict)
}
