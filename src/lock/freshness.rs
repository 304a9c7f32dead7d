//! Whether a lease is worth having: the copy of the record that its holder has may be stale.

use crate::error::Result;
use crate::model::Versioned;
use crate::operation::{Store, is_current};

/// A lease on a record of which no copy is in hand.
///
/// ```
/// use noclobber::lock::{AnyCopy, Lock, LockRequest};
///
/// let request: LockRequest<AnyCopy> = Lock::on("documents", "7");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AnyCopy;

/// A lease on the record of which this copy is in hand.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::lock::{LockRequest, MyCopy};
///
/// # fn main() {
/// # let document = Document::find(1, &mut documents_with_one_row()).unwrap();
/// let request: LockRequest<MyCopy<'_, Document>> = document.lock();
/// # }
/// ```
#[derive(Debug)]
pub struct MyCopy<'m, M> {
    pub(super) model: &'m M,
    pub(super) must_be_fresh: bool,
}

// By hand: the model need not be one that can be copied.
impl<M> Clone for MyCopy<'_, M> {
    fn clone(&self) -> Self {
        MyCopy { model: self.model, must_be_fresh: self.must_be_fresh }
    }
}

/// What a request does to see that the copy in hand is fresh.
///
/// Implemented for [`AnyCopy`] and [`MyCopy`]; there is nothing to implement here.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::lock::{Freshness, MyCopy};
///
/// fn is_checked<C, F: Freshness<C>>() {}
/// # fn main() {
/// is_checked::<diesel::SqliteConnection, MyCopy<'_, Document>>();
/// # }
/// ```
pub trait Freshness<C> {
    #[doc(hidden)]
    fn __check(&self, conn: &mut C) -> Result<()>;
}

impl<C> Freshness<C> for AnyCopy {
    fn __check(&self, _: &mut C) -> Result<()> {
        Ok(())
    }
}

impl<M: Versioned, C: Store<M>> Freshness<C> for MyCopy<'_, M> {
    fn __check(&self, conn: &mut C) -> Result<()> {
        if self.must_be_fresh { is_current(self.model, conn) } else { Ok(()) }
    }
}
