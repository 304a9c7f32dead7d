//! A change of a whole aggregate: the guarded write of its root, and then what is done with its children.

use super::child;
use super::create;
use super::delete;
use super::outcome::{self, Attempt};
use super::save;
use super::store::{Store, StoreChanges, StoreNewChild};
use crate::error::{Error, Result};
use crate::model::{Child, OwnRoot, RootKey, Versioned};
use crate::transaction::{is_alone, of_statements, transaction};

/// What becomes of the root in the end.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Root {
    Stays,
    Goes,
}

/// Writes the root first, from the version that its caller has loaded: of two who change one aggregate, the
/// second waits there, and is told of the root's conflict.
pub(crate) fn change<M, C, T, E>(
    root: M,
    end: Root,
    conn: &mut C,
    work: impl FnOnce(&mut Aggregate<'_, M, C>) -> Result<T, E>,
) -> Result<(M, T), E>
where
    M: Versioned,
    C: Store<M>,
    E: From<Error>,
{
    let (key, expected) = (root.key(), root.version().clone());
    let alone = is_alone(conn);
    let mut left = Attempt::AnotherVersion;
    let answer = transaction(conn, |conn| {
        let root = match end {
            Root::Stays => save::save(root, conn)?,
            Root::Goes => save::touch(root, conn)?,
        };
        left = Attempt::Version(root.version().clone());
        let mut aggregate = Aggregate { root, conn };
        let value = work(&mut aggregate).map_err(Failure::Theirs)?;
        let Aggregate { root, conn } = aggregate;
        if end == Root::Goes {
            delete::delete(&root, conn)?;
            left = Attempt::NoRow;
        }
        Ok((root, value))
    });
    answer.map_err(|failure| match failure {
        Failure::Ours(error) if alone => {
            outcome::of_a_lone_transaction::<M, C>(error, &key, &expected, left, conn).into()
        }
        Failure::Ours(error) => error.into(),
        Failure::Theirs(error) => error,
    })
}

/// An error of this crate's about the root or the transaction, or whatever the work answered.
enum Failure<E> {
    Ours(Error),
    Theirs(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Failure::Ours(error)
    }
}

/// An aggregate whose root was written in the transaction that is open: what
/// [`save_with`](crate::aggregate::RootDsl::save_with) and
/// [`delete_with`](crate::aggregate::RootDsl::delete_with) hand to their closure.
///
/// It is its root to read, at the new version; its methods write children, and none of them moves the root's
/// version on once more. Each of them sends the root's key in the condition, so that a child of another root
/// is refused ([`Error::OfAnotherRoot`]), and compares the child's own version.
///
/// ```
/// # include!("../doctest_orders.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut an_order_with_two_lines();
/// let order = Order::find(1, conn)?;
/// let (order, line) = order.save_with(conn, |order| {
///     assert_eq!((order.id, order.version), (1, 2));
///     order.create_child::<OrderLine, _>(NewLine { article: "Pen".into(), quantity: 3 })
/// })?;
/// assert_eq!((order.version, line.version, line.order_id), (2, 1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Aggregate<'c, R, C> {
    root: R,
    conn: &'c mut C,
}

impl<R, C> std::ops::Deref for Aggregate<'_, R, C> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.root
    }
}

impl<R: OwnRoot, C: Store<R>> Aggregate<'_, R, C> {
    /// The connection, for what else belongs into the transaction.
    ///
    /// A child that is saved by it alone moves the root's version on once more, and the root that comes back
    /// is stale: write children by the methods of the aggregate.
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let (_, lines) = Order::find(1, conn)?.save_with(conn, |order| -> noclobber::Result<_> {
    ///     let of_it = OrderLine::query().filter(order_lines::order_id.eq(order.id));
    ///     Ok(of_it.load(order.conn())?)
    /// })?;
    /// assert_eq!(lines.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn conn(&mut self) -> &mut C {
        self.conn
    }

    /// [`save`](crate::VersionedDsl::save) of a child of this root.
    ///
    /// Sends `UPDATE t SET <columns>, version = <next> WHERE id = ? AND version = ? AND order_id = ?`.
    ///
    /// # Errors
    ///
    /// [`Error::OfAnotherRoot`] when the child belongs to another one; otherwise as
    /// [`save`](crate::VersionedDsl::save), about the child.
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let (order, line) = (Order::find(1, conn)?, OrderLine::find(1, conn)?);
    /// let (order, line) = order.save_with(conn, |order| {
    ///     order.save_child(OrderLine { quantity: 5, ..line })
    /// })?;
    /// assert_eq!((order.version, line.version), (2, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn save_child<M>(&mut self, mut child: M) -> Result<M>
    where
        M: Child<Root = R>,
        C: Store<M>,
    {
        let version = child::update_in(&child, &self.root.key(), self.conn, &mut unnoted())?;
        child.__set_version(version);
        Ok(child)
    }

    /// [`touch`](crate::VersionedDsl::touch) of a child of this root.
    ///
    /// Sends `UPDATE t SET version = <next> WHERE id = ? AND version = ? AND order_id = ?`.
    ///
    /// # Errors
    ///
    /// As [`save_child`](Self::save_child).
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let (order, line) = (Order::find(1, conn)?, OrderLine::find(1, conn)?);
    /// let (_, line) = order.save_with(conn, |order| order.touch_child(line))?;
    /// assert_eq!(line.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn touch_child<M>(&mut self, mut child: M) -> Result<M>
    where
        M: Child<Root = R>,
        C: Store<M>,
    {
        let (key, root, expected) = (child.key(), self.root.key(), child.version());
        let version = child::touch_in::<M, C>(&key, expected, &root, self.conn, &mut unnoted())?;
        child.__set_version(version);
        Ok(child)
    }

    /// [`delete`](crate::VersionedDsl::delete) of a child of this root.
    ///
    /// Sends `DELETE FROM t WHERE id = ? AND version = ? AND order_id = ?`.
    ///
    /// # Errors
    ///
    /// As [`save_child`](Self::save_child).
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let (order, line) = (Order::find(1, conn)?, OrderLine::find(1, conn)?);
    /// let (order, ()) = order.save_with(conn, |order| order.delete_child(line))?;
    /// assert_eq!(order.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_child<M>(&mut self, child: M) -> Result<()>
    where
        M: Child<Root = R>,
        C: Store<M>,
    {
        child::delete_in(&child, &self.root.key(), self.conn)
    }

    /// [`patch`](crate::VersionedDsl::patch) of a child of this root.
    ///
    /// In a savepoint, sends `UPDATE t SET <changes>, version = ? WHERE id = ? AND version = ? AND order_id
    /// = ?`, and a `SELECT` that sees that the changes have left the child in its root.
    ///
    /// # Errors
    ///
    /// As [`save_child`](Self::save_child).
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let (_, version) = Order::find(1, conn)?.save_with(conn, |order| {
    ///     order.patch_child::<OrderLine, _>(1, 1, order_lines::quantity.eq(7))
    /// })?;
    /// assert_eq!(version, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch_child<M, Changes>(
        &mut self,
        key: impl Into<M::Key>,
        version: impl Into<M::Version>,
        changes: Changes,
    ) -> Result<M::Version>
    where
        M: Child<Root = R>,
        C: StoreChanges<M, Changes>,
    {
        let (key, expected, root) = (key.into(), version.into(), self.root.key());
        of_statements(self.conn, |conn| {
            child::patch_in::<M, Changes, C>(&key, &expected, changes, &root, conn, &mut unnoted())
        })
    }

    /// [`create`](crate::VersionedDsl::create) of a child of this root.
    ///
    /// The root's key is added to what is inserted, as the version is: `new` does not name it. In a savepoint,
    /// sends `INSERT INTO t (version, order_id, …) …` and the statement of
    /// [`find`](crate::VersionedDsl::find).
    ///
    /// # Errors
    ///
    /// As [`create`](crate::VersionedDsl::create).
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let (_, line) = Order::find(1, conn)?.save_with(conn, |order| {
    ///     order.create_child::<OrderLine, _>(NewLine { article: "Pen".into(), quantity: 3 })
    /// })?;
    /// assert_eq!(line.order_id, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_child<M, New>(&mut self, new: New) -> Result<M>
    where
        M: Child<Root = R>,
        C: StoreNewChild<M, New>,
    {
        create::create((self.foreign_key::<M>(), new), self.conn)
    }

    /// [`create_with`](crate::VersionedDsl::create_with) of a child of this root: with a key that the caller
    /// knows, and that `new` names.
    ///
    /// Sends the statements of [`create_child`](Self::create_child), without `RETURNING`.
    ///
    /// # Errors
    ///
    /// As [`create`](crate::VersionedDsl::create).
    ///
    /// ```
    /// # include!("../doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let new = (order_lines::id.eq(70), order_lines::article.eq("Pen"), order_lines::quantity.eq(3));
    /// let (_, line) = Order::find(1, conn)?.save_with(conn, |order| {
    ///     order.create_child_with::<OrderLine, _>(70, new)
    /// })?;
    /// assert_eq!((line.id, line.order_id), (70, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_child_with<M, New>(&mut self, key: impl Into<M::Key>, new: New) -> Result<M>
    where
        M: Child<Root = R>,
        C: StoreNewChild<M, New>,
    {
        let (key, root) = (key.into(), self.root.key());
        of_statements(self.conn, |conn| child::created_in(&root, &key, new, conn))
    }

    fn foreign_key<M: Child<Root = R>>(&self) -> M::ForeignKey {
        let root: RootKey<M> = self.root.key();
        M::__foreign_key(root)
    }
}

/// Where a write notes what nobody asks for: the outcome of the transaction is told of the root.
fn unnoted<V>() -> Attempt<V> {
    Attempt::AnotherVersion
}
