//! `verify`: what a write depends on is still what was read, and stays so until commit.

use diesel::QueryResult;

use super::outcome;
use super::store::{Seen, Store};
use crate::backend::SupportedConnection;
use crate::error::{Error, Found, Result};
use crate::key::Key;
use crate::model::Versioned;
use crate::transaction::depth;

pub(super) fn verify<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<()> {
    verify_by(model, conn, C::__hold)
}

/// `hold` reads the version and takes the lock.
fn verify_by<M: Versioned, C: Store<M>>(
    model: &M,
    conn: &mut C,
    hold: impl FnOnce(&mut C, &M::Key) -> QueryResult<Option<M::Version>>,
) -> Result<()> {
    if depth(conn)? == 0 {
        return Err(Error::NotInTransaction);
    }
    let (key, expected) = (model.key(), model.version());
    let look = match hold(conn, &key)? {
        Some(held) if held == *expected => return Ok(()),
        Some(held) => Ok(Seen::Version(held)),
        // Nothing that could be held; a policy may let the row be seen all the same.
        None => conn.__look_inside(&key),
    };
    Err(outcome::refusal::<M>(look, &key, expected, false))
}

/// Whether this copy is what the row holds now; the conflict otherwise. Holds nothing.
pub(crate) fn is_current<M: Versioned, C: Store<M>>(model: &M, conn: &mut C) -> Result<()> {
    let (key, expected) = (model.key(), model.version());
    match outcome::found::<M>(conn.__look(&key), expected) {
        Found::Vetoed => Ok(()),
        found => Err(outcome::conflict::<M>(&key, expected, found)),
    }
}

/// A place in an order: whether it is a child; table and key of its root, or its own; its own; and whether it
/// is only read. Children come behind all roots, and of a record that is given twice, the stronger lock is
/// taken first.
#[doc(hidden)]
pub(super) type Place = (bool, [(&'static str, String); 2], bool);

fn place<M: Versioned>(model: &M, reads: bool) -> Place {
    let own = (M::TABLE, model.key().text());
    let root = model.__root_key().map(|root| (<M::Root as Versioned>::TABLE, root.text()));
    (M::HAS_ROOT, [root.unwrap_or_else(|| own.clone()), own], reads)
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
    fn __place(&self) -> Place;

    #[doc(hidden)]
    fn __verify(&self, conn: &mut C) -> Result<()>;
}

impl<M: Versioned, C: Store<M>> Verify<C> for M {
    fn __place(&self) -> Place {
        place(self, true)
    }

    fn __verify(&self, conn: &mut C) -> Result<()> {
        verify(self, conn)
    }
}

/// A record that a transaction depends on and is going to write: what
/// [`for_update`](crate::VersionedDsl::for_update) makes of one for [`verify_all`].
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::ForUpdate;
///
/// # fn main() {
/// # let document = Document::find(1, &mut documents_with_one_row()).unwrap();
/// let to_be_written: ForUpdate<'_, Document> = document.for_update();
/// # }
/// ```
#[derive(Debug)]
pub struct ForUpdate<'a, M>(pub(super) &'a M);

impl<M: Versioned, C: Store<M>> Verify<C> for ForUpdate<'_, M> {
    fn __place(&self) -> Place {
        place(self.0, false)
    }

    fn __verify(&self, conn: &mut C) -> Result<()> {
        // Its write is going to bump the root, and whoever else writes the child has the root first.
        if let Some(root) = self.0.__root_key() {
            conn.__hold_root(&root)?;
        }
        verify_by(self.0, conn, C::__hold_to_write)
    }
}

/// [`verify`](crate::VersionedDsl::verify) for several records, of any tables.
///
/// Takes them sorted by table and key, children of aggregates behind all roots, so that two transactions
/// which depend on the same records do not wait for each other in a circle. Call it before the writes of the transaction, and mark those
/// of the records that it is going to write by
/// [`for_update`](crate::VersionedDsl::for_update): two transactions that both share a row cannot both
/// write it, and the database ends one of them for the deadlock. No record, no statement.
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
///     noclobber::verify_all(&[&one, &two.for_update()], conn)?;
///     Document { title: format!("After {}", one.title), ..two }.save(conn)
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
