//! What a model tells about the aggregate that it is a part of.

use super::Versioned;

/// The key of the root of a model's aggregate.
///
/// ```
/// # include!("../doctest_orders.rs");
/// use noclobber::aggregate::RootKey;
///
/// # fn main() {
/// let of_an_order: RootKey<OrderLine> = 1_i64;
/// # }
/// ```
pub type RootKey<M> = <<M as Versioned>::Root as Versioned>::Key;

/// A model whose records each belong to a root: a part of an [aggregate](crate::aggregate).
///
/// Implemented by `#[derive(Versioned)]` for a struct that says `#[versioned(root(…))]`.
///
/// ```
/// # include!("../doctest_orders.rs");
/// use noclobber::aggregate::Child;
///
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut an_order_with_two_lines();
/// let line = OrderLine::find(1, conn)?;
/// assert_eq!(line.root_key(), 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a child in an aggregate",
    label = "belongs to no root",
    note = "name the model of its root, and the field that holds the root's key: \
            `#[versioned(root(Order, order_id))]`"
)]
pub trait Child: Versioned {
    /// The key of the root that this record belongs to.
    ///
    /// ```
    /// # use noclobber::aggregate::{Child, RootKey};
    /// fn roots<M: Child>(children: &[M]) -> Vec<RootKey<M>> {
    ///     children.iter().map(M::root_key).collect()
    /// }
    /// ```
    fn root_key(&self) -> RootKey<Self>;

    #[doc(hidden)]
    fn __set_root_key(&mut self, root: RootKey<Self>);

    /// The columns that hold the root's key, each with its value: what an insert adds.
    #[doc(hidden)]
    type ForeignKey;

    #[doc(hidden)]
    fn __foreign_key(root: RootKey<Self>) -> Self::ForeignKey;
}

/// A model that is its own root: no part of another model's aggregate.
///
/// Implemented by `#[derive(Versioned)]` for every struct that does not say `#[versioned(root(…))]`. Such
/// a model can be the root of an [aggregate](crate::aggregate), and is created by
/// [`create`](crate::VersionedDsl::create).
///
/// ```
/// # include!("../doctest_orders.rs");
/// use noclobber::aggregate::OwnRoot;
///
/// fn can_be_a_root<M: OwnRoot>() {}
///
/// # fn main() {
/// can_be_a_root::<Order>();
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a child in an aggregate, and not a root",
    label = "belongs to a root itself",
    note = "an aggregate has one level: a root, and children that belong to it"
)]
pub trait OwnRoot: Versioned {}
