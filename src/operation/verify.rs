//! `verify`: what a write depends on is still what was read, and stays so until commit.

use super::outcome;
use super::store::Store;
use crate::backend::SupportedConnection;
use crate::error::{Error, Found, Result};
use crate::key::Key;
use crate::model::Versioned;
use crate::transaction::depth;

pub(super) fn verify<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<()> {
    if depth(conn)? == 0 {
        return Err(Error::NotInTransaction);
    }
    let key = model.key();
    match outcome::found::<M>(Ok(conn.__hold(&key)?), model.version()) {
        // Where a missed write would call it a veto, it is just what was hoped for.
        Found::Vetoed => Ok(()),
        found => Err(outcome::conflict::<M>(&key, model.version(), found)),
    }
}

/// A record that a transaction depends on: what [`verify_all`] takes.
///
/// Implemented for every versioned model, and meant to be implemented by nothing else.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::Verify;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let document = Document::find(1, conn)?;
/// let depends_on: Vec<&dyn Verify<diesel::SqliteConnection>> = vec![&document];
/// noclobber::transaction(conn, |conn| noclobber::verify_all(&depends_on, conn))?;
/// # Ok(())
/// # }
/// ```
pub trait Verify<C: SupportedConnection> {
    /// The record's place in the order that all transactions share.
    #[doc(hidden)]
    fn __place(&self) -> (&'static str, String);

    #[doc(hidden)]
    fn __verify(&self, conn: &mut C) -> Result<()>;
}

impl<M: Versioned, C: Store<M>> Verify<C> for M {
    fn __place(&self) -> (&'static str, String) {
        (M::TABLE, self.key().text())
    }

    fn __verify(&self, conn: &mut C) -> Result<()> {
        verify(self, conn)
    }
}

/// [`verify`](crate::VersionedDsl::verify) for several records, of any tables.
///
/// Takes them sorted by table and key, so that two transactions which depend on the same records
/// do not wait for each other. Call it before the writes of the transaction. No record, no
/// statement.
///
/// # Errors
///
/// As [`verify`](crate::VersionedDsl::verify), for the first record in that order that fails.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let one = Document::find(1, conn)?;
/// let two = Document::create(documents::title.eq("Two"), conn)?;
/// noclobber::transaction(conn, |conn| {
///     noclobber::verify_all(&[&one, &two], conn)?;
///     Document::create(documents::title.eq("Depends on both"), conn)
/// })?;
/// # Ok(())
/// # }
/// ```
pub fn verify_all<C: SupportedConnection>(records: &[&dyn Verify<C>], conn: &mut C) -> Result<()> {
    if depth(conn)? == 0 {
        return Err(Error::NotInTransaction);
    }
    let mut records = records.to_vec();
    records.sort_by_cached_key(|record| record.__place());
    records.into_iter().try_for_each(|record| record.__verify(conn))
}
