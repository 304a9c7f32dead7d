//! Pages on how to use noclobber well, for people who have read the front page.
//!
//! There is no code here but that of the examples, only text.

/// Aggregates: an order and its lines under one version.
#[doc = include_str!("guide/aggregates.md")]
pub mod aggregates {}

/// Many records at once: which mode when.
#[doc = include_str!("guide/batches.md")]
pub mod batches {}

/// Choosing a database and an isolation level.
#[doc = include_str!("guide/choosing_a_database.md")]
pub mod choosing_a_database {}

/// Choosing between a version, a lease, and a row lock.
#[doc = include_str!("guide/choosing_a_lock.md")]
pub mod choosing_a_lock {}

/// Write skew: writes that rely on records which they do not write.
#[doc = include_str!("guide/write_skew.md")]
pub mod write_skew {}
