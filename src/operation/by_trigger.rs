//! Writes whose version a trigger moves on: it is read back in the transaction of the write.

use super::outcome::{self, Attempt, Write};
use super::store::{Seen, Store};
use crate::error::{Error, Found, Result};
use crate::model::{Versioned, record};
use crate::transaction::{is_alone, of_statements};
use crate::version::Version;

/// Sends a guarded write and answers the version that the row has then.
///
/// A version that stayed is an error, and the write is rolled back: the next stale write would match.
pub(super) fn write<M, C>(
    key: &M::Key,
    expected: &M::Version,
    conn: &mut C,
    send: impl FnOnce(&mut C) -> diesel::QueryResult<usize>,
) -> Result<M::Version>
where
    M: Versioned,
    C: Store<M>,
{
    let alone = is_alone(conn);
    let answer = of_statements(conn, |conn| {
        let rows = send(conn);
        // Of what happens to the whole transaction is told below.
        let write = Write { key, expected, next: None, alone: false };
        outcome::written::<M, C>(rows, write, conn)?;
        match conn.__look(key)? {
            Seen::Version(moved) if moved != *expected => Ok(moved),
            Seen::Version(stayed) => Err(Error::VersionUnchanged {
                record: record::<M>(key),
                version: stayed.text().into_owned(),
            }),
            // The row that this transaction has written is seen as it is.
            Seen::InSnapshot(_) | Seen::Hidden => {
                Err(outcome::conflict::<M>(key, expected, Found::Unknown))
            }
            Seen::Nothing => Err(outcome::conflict::<M>(key, expected, Found::Deleted)),
        }
    });
    answer.map_err(|error| {
        let left = Attempt::AnotherVersion;
        if alone {
            outcome::of_a_lone_transaction::<M, C>(error, key, expected, left, conn)
        } else {
            error
        }
    })
}
