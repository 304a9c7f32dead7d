//! What a versioned model needs in scope, in one line.
//!
//! ```
//! use noclobber::prelude::*;
//! ```
//!
//! Goes well with `diesel::prelude::*`: no name is in both.

pub use crate::aggregate::{ChildDsl, RootDsl};
pub use crate::lock::LockDsl;
pub use crate::model::{Columns, Versioned};
pub use crate::operation::{BatchDsl, LockRowsDsl, VersionedDsl};
pub use noclobber_derive::{Columns, Versioned};
