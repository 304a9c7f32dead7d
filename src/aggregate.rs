//! Aggregates: a root, and the children that are changed under its version.
//!
//! An order and its lines are one thing to those who work with them: whether the order may be sent depends
//! on all of its lines. A version on each row alone does not guard that; two people can each change another
//! line and neither hears of the other one. So a child names its root, and every write of a child moves the
//! version of the root on:
//!
//! ```
//! use diesel::prelude::*;
//! use noclobber::prelude::*;
//!
//! # diesel::table! { orders (id) { id -> BigInt, customer -> Text, version -> BigInt } }
//! # diesel::table! {
//! #     order_lines (id) {
//! #         id -> BigInt, order_id -> BigInt, article -> Text, quantity -> Integer, version -> BigInt,
//! #     }
//! # }
//! #[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
//! struct Order {
//!     id: i64,
//!     customer: String,
//!     version: i64,
//! }
//!
//! #[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
//! #[versioned(root(Order, order_id))] // the model of the root, and the field that holds its key
//! struct OrderLine {
//!     id: i64,
//!     order_id: i64,
//!     article: String,
//!     quantity: i32,
//!     version: i64,
//! }
//! ```
//!
//! | to | call | the root |
//! |---|---|---|
//! | change the root and its children together | [`save_with`](RootDsl::save_with) | is written first, from the version that was loaded |
//! | delete the root and its children | [`delete_with`](RootDsl::delete_with) | the same, and goes at the end |
//! | write one child | [`save`], [`touch`], [`delete`], [`patch`], [`modify`], [`save_locked`] and its like | moves on from whatever it is |
//! | create one child | [`create_in`](ChildDsl::create_in) | the same |
//! | move a child to another root | [`move_to`](ChildDsl::move_to) | both move on |
//! | count, in a column outside conflict detection | [`increment`] | stays |
//!
//! [`guide::aggregates`](crate::guide::aggregates) says when to use one, and what it costs.
//!
//! [`save`]: crate::VersionedDsl::save
//! [`touch`]: crate::VersionedDsl::touch
//! [`delete`]: crate::VersionedDsl::delete
//! [`patch`]: crate::VersionedDsl::patch
//! [`modify`]: crate::VersionedDsl::modify
//! [`increment`]: crate::VersionedDsl::increment
//! [`save_locked`]: crate::LockDsl::save_locked

use crate::error::{Error, Result};
use crate::operation::{self, Root, Store, StoreNewChild};

pub use crate::model::{Child, OwnRoot, RootKey};
pub use crate::operation::Aggregate;

/// The operations of a root on its whole aggregate.
///
/// Implemented for every model that names no root of its own; bring it into scope with the
/// [`prelude`](crate::prelude).
///
/// ```
/// # include!("doctest_orders.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut an_order_with_two_lines();
/// let (order, line) = (Order::find(1, conn)?, OrderLine::find(1, conn)?);
/// let (order, ()) = order.save_with(conn, |order| order.delete_child(line))?;
/// assert_eq!(order.version, 2);
/// # Ok(())
/// # }
/// ```
pub trait RootDsl: OwnRoot {
    /// Saves the root, and in the same transaction whatever children `work` writes by the methods of the
    /// [`Aggregate`]. Gives back the root at its next version, and what `work` answers.
    ///
    /// In one transaction (in a savepoint when one is open), sends the statement of
    /// [`save`](crate::VersionedDsl::save) for the root, whether its fields were changed or not, and then
    /// what `work` sends. So of two who change the same aggregate one is first, and the other is refused
    /// before it has written anything, however different the children are. No child moves the root's
    /// version on once more: after the call it is one further, and the root that came back is current.
    ///
    /// Load the root before its children. Whoever loads it after them may have children that are older than
    /// its version says.
    ///
    /// # Errors
    ///
    /// [`Error::ConcurrentModification`] about the root when anybody has changed the aggregate since; those
    /// of [`save`](crate::VersionedDsl::save) and of [`transaction`](crate::transaction()), and those of
    /// `work`. All or nothing is written. When the connection is lost in COMMIT,
    /// [`Error::UnknownOutcome`] names the root; its version tells what became of the aggregate.
    ///
    /// ```
    /// # include!("doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let order = Order::find(1, conn)?;
    /// let lines = OrderLine::query().filter(order_lines::order_id.eq(order.id)).load(conn)?;
    /// let late = order.clone();
    ///
    /// let order = Order { customer: "Ann".into(), ..order };
    /// let (order, ()) = order.save_with(conn, |order| -> noclobber::Result<_> {
    ///     for line in lines {
    ///         order.save_child(OrderLine { quantity: 2 * line.quantity, ..line })?;
    ///     }
    ///     Ok(())
    /// })?;
    /// assert_eq!(order.version, 2);
    ///
    /// let new = NewLine { article: "Pen".into(), quantity: 1 };
    /// let error = late.save_with(conn, |order| order.create_child::<OrderLine, _>(new)).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "orders 1 was changed by somebody else: expected version 1, found version 2"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Where its result goes through `?`, a closure that has a `?` of its own says its error, as that of
    /// [`transaction`](crate::transaction()) does.
    fn save_with<C, T, E>(
        self,
        conn: &mut C,
        work: impl FnOnce(&mut Aggregate<'_, Self, C>) -> Result<T, E>,
    ) -> Result<(Self, T), E>
    where
        C: Store<Self>,
        E: From<Error>,
    {
        operation::change(self, Root::Stays, conn, work)
    }

    /// Deletes the root, and before it in the same transaction whatever children `work` deletes. Gives back
    /// what `work` answers.
    ///
    /// In one transaction (in a savepoint when one is open), sends the statement of
    /// [`touch`](crate::VersionedDsl::touch) for the root, what `work` sends, and then
    /// `DELETE FROM t WHERE id = ? AND version = ?` with the version that the touch has left.
    ///
    /// Where the database deletes the children by itself (`ON DELETE CASCADE`), a plain
    /// [`delete`](crate::VersionedDsl::delete) of the root is enough, and one statement: its version guards
    /// the children too.
    ///
    /// # Errors
    ///
    /// As [`save_with`](Self::save_with); and the database's, where it does not let a root go that has
    /// children left.
    ///
    /// ```
    /// # include!("doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let order = Order::find(1, conn)?;
    /// let lines = OrderLine::query().filter(order_lines::order_id.eq(order.id)).load(conn)?;
    /// order.delete_with(conn, |order| lines.into_iter().try_for_each(|line| order.delete_child(line)))?;
    /// assert!(Order::find(1, conn).unwrap_err().is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    fn delete_with<C, T, E>(
        self,
        conn: &mut C,
        work: impl FnOnce(&mut Aggregate<'_, Self, C>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        C: Store<Self>,
        E: From<Error>,
    {
        operation::change(self, Root::Goes, conn, work).map(|(_, value)| value)
    }
}

impl<M: OwnRoot> RootDsl for M {}

/// The operations that only a child in an aggregate has.
///
/// Implemented for every model that names its root; bring it into scope with the
/// [`prelude`](crate::prelude). What every model can do, a child can do as well
/// ([`VersionedDsl`](crate::VersionedDsl)); each write of one is a transaction then, in which the version of
/// the root is moved on first:
///
/// * For a counter, `UPDATE orders SET version = version + 1 WHERE id = ? AND version <> ?`, where the last
///   bind is the greatest number of its type. For all other versions, and where a trigger keeps it, a `SELECT
///   version` that holds the row until commit, and the statement of [`touch`](crate::VersionedDsl::touch).
/// * The statement of the child, with `AND order_id = ?` at its end. No write but
///   [`move_to`](Self::move_to) sets the column.
///
/// It needs no version of the root, and is not refused because another child was changed; but every open
/// copy of the root becomes stale. [`Error::RootNotFound`] when there is no such root;
/// [`Error::OfAnotherRoot`] when the child belongs to another one than its field says.
///
/// ```
/// # include!("doctest_orders.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut an_order_with_two_lines();
/// let open = Order::find(1, conn)?;
/// let line = OrderLine::find(1, conn)?;
/// OrderLine { quantity: 5, ..line }.save(conn)?;
/// assert!(open.save(conn).unwrap_err().is_conflict());
/// # Ok(())
/// # }
/// ```
pub trait ChildDsl: Child {
    /// Creates a child of this root from anything that Diesel can insert into its table, and loads it.
    ///
    /// The key of the root is added to what is inserted, as the version is: `new` names neither. In one
    /// transaction (in a savepoint when one is open), moves the root's version on, and then sends the
    /// statements of [`create`](crate::VersionedDsl::create), which a child does not have: from what it is
    /// given, nobody could tell the root before the child is there, and that order ends in deadlocks.
    ///
    /// # Errors
    ///
    /// [`Error::RootNotFound`] when there is no such root; otherwise as
    /// [`create`](crate::VersionedDsl::create).
    ///
    /// ```
    /// # include!("doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let line = OrderLine::create_in(1, NewLine { article: "Pen".into(), quantity: 3 }, conn)?;
    /// assert_eq!((line.order_id, line.version), (1, 1));
    /// assert_eq!(Order::find(1, conn)?.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    fn create_in<New, C>(root: impl Into<RootKey<Self>>, new: New, conn: &mut C) -> Result<Self>
    where
        C: StoreNewChild<Self, New>,
    {
        operation::create_child(root.into(), new, conn)
    }

    /// Creates a child of this root under a key that the caller knows and that `new` names, and loads it.
    ///
    /// As [`create_in`](Self::create_in), with the statements of
    /// [`create_with`](crate::VersionedDsl::create_with).
    ///
    /// # Errors
    ///
    /// As [`create_in`](Self::create_in).
    ///
    /// ```
    /// # include!("doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let new = (order_lines::id.eq(70), order_lines::article.eq("Pen"), order_lines::quantity.eq(3));
    /// let line = OrderLine::create_in_with(1, 70, new, conn)?;
    /// assert_eq!((line.id, line.order_id), (70, 1));
    /// # Ok(())
    /// # }
    /// ```
    fn create_in_with<New, C>(
        root: impl Into<RootKey<Self>>,
        key: impl Into<Self::Key>,
        new: New,
        conn: &mut C,
    ) -> Result<Self>
    where
        C: StoreNewChild<Self, New>,
    {
        operation::create_child_with(root.into(), &key.into(), new, conn)
    }

    /// Saves the child as one of another root.
    ///
    /// In one transaction (in a savepoint when one is open), moves the versions of both roots on, in the order
    /// of their keys, so that two moves which cross do not wait for each other in a circle; and then sends
    /// `UPDATE t SET <columns>, order_id = ?, version = <next> WHERE id = ? AND version = ? AND order_id = ?`.
    /// To its own root, it is a [`save`](crate::VersionedDsl::save).
    ///
    /// # Errors
    ///
    /// [`Error::RootNotFound`] when one of the two roots is not there; otherwise as
    /// [`save`](crate::VersionedDsl::save) of a child.
    ///
    /// ```
    /// # include!("doctest_orders.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut an_order_with_two_lines();
    /// let other = Order::create(orders::customer.eq("Bob"), conn)?;
    /// let line = OrderLine::find(1, conn)?.move_to(other.id, conn)?;
    /// assert_eq!((line.order_id, line.version), (other.id, 2));
    /// assert_eq!((Order::find(1, conn)?.version, other.reload(conn)?.version), (2, 2));
    /// # Ok(())
    /// # }
    /// ```
    fn move_to<C: Store<Self>>(self, root: impl Into<RootKey<Self>>, conn: &mut C) -> Result<Self> {
        operation::move_child(self, root.into(), conn)
    }
}

impl<M: Child> ChildDsl for M {}
