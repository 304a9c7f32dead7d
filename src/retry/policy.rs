//! How often, how long, and with what pauses to try again.

use std::time::Duration;

use backon::ExponentialBuilder;

/// How often, how long, and with what pauses [`retry`](super::retry()) and
/// [`modify`](crate::VersionedDsl::modify) try again.
///
/// The defaults: at most 16 attempts within 10 s; before the second attempt a pause of up to 4 ms,
/// a bound that doubles with each attempt, up to 500 ms; not on a conflict; not inside a
/// transaction. `modify` locks the row after 6 conflicts.
///
/// ```
/// use noclobber::retry::Policy;
/// use std::time::Duration;
///
/// let policy = Policy::default()
///     .attempts(5)
///     .deadline(Duration::from_secs(2))
///     .pauses(Duration::from_millis(1), Duration::from_millis(100))
///     .on_conflict();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(super) attempts: u32,
    pub(super) deadline: Duration,
    first_pause: Duration,
    longest_pause: Duration,
    pub(super) on_conflict: bool,
    pub(super) nested: Nested,
    pub(crate) escalate_after: u32,
}

/// What to do inside a transaction that is open already.
///
/// What is tried again inside a transaction meets the same snapshot or what is left of its own
/// first attempt, so the answer is to refuse. Hosts that run each of their tests inside one test
/// transaction allow a single run.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// use diesel::Connection;
/// use noclobber::Error;
/// use noclobber::retry::{Nested, Policy, retry};
///
/// conn.begin_test_transaction()?;
/// let refused = retry(&mut *conn, &Policy::default(), |conn| Document::find(1, conn));
/// assert!(matches!(refused, Err(Error::InTransaction)));
///
/// let in_tests = Policy::default().nested(Nested::RunOnce);
/// retry(&mut *conn, &in_tests, |conn| Document::find(1, conn))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Nested {
    /// Answer [`Error::InTransaction`](crate::Error::InTransaction).
    #[default]
    Refuse,
    /// Run once, in a savepoint, and give back whatever comes of it.
    RunOnce,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            attempts: 16,
            deadline: Duration::from_secs(10),
            first_pause: Duration::from_millis(4),
            longest_pause: Duration::from_millis(500),
            on_conflict: false,
            nested: Nested::Refuse,
            escalate_after: 6,
        }
    }
}

impl Policy {
    /// The number of attempts at most, the first one counted. 0 is taken for 1.
    ///
    /// ```
    /// let once = noclobber::retry::Policy::default().attempts(1);
    /// ```
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Policy { attempts: attempts.max(1), ..self }
    }

    /// The time after which no further attempt begins: the last pause is cut to what is left of it. An
    /// attempt that has begun is not cut off, nor is a pool that waits for a connection.
    ///
    /// ```
    /// let hasty = noclobber::retry::Policy::default().deadline(std::time::Duration::from_secs(1));
    /// ```
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Policy { deadline, ..self }
    }

    /// The bound of the first pause, and the bound that it doubles up to. A first bound of zero stays
    /// zero: no pause at all.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let brisk = noclobber::retry::Policy::default()
    ///     .pauses(Duration::from_micros(500), Duration::from_millis(20));
    /// ```
    #[must_use]
    pub fn pauses(self, first: Duration, longest: Duration) -> Self {
        Policy { first_pause: first, longest_pause: longest, ..self }
    }

    /// Tries again on a conflict too. For work that loads what it changes;
    /// [`modify`](crate::VersionedDsl::modify) always does.
    ///
    /// ```
    /// let policy = noclobber::retry::Policy::default().on_conflict();
    /// ```
    #[must_use]
    pub fn on_conflict(self) -> Self {
        Policy { on_conflict: true, ..self }
    }

    /// The number of conflicts after which [`modify`](crate::VersionedDsl::modify) escalates: an attempt is
    /// then a transaction that locks the row before it loads it, so that writers of a hot row are served
    /// one after the other.
    ///
    /// 0 locks at the first attempt, `u32::MAX` never. [`retry`](super::retry()) does not look at it.
    ///
    /// ```
    /// let eager = noclobber::retry::Policy::default().escalate_after(1);
    /// ```
    #[must_use]
    pub fn escalate_after(self, conflicts: u32) -> Self {
        Policy { escalate_after: conflicts, ..self }
    }

    /// What to do inside a transaction that is open already; see [`Nested`].
    ///
    /// ```
    /// use noclobber::retry::{Nested, Policy};
    ///
    /// let in_tests = Policy::default().nested(Nested::RunOnce);
    /// ```
    #[must_use]
    pub fn nested(self, nested: Nested) -> Self {
        Policy { nested, ..self }
    }

    /// The bounds of the pauses, without their jitter and without an end.
    pub(super) fn pause_bounds(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(self.first_pause.min(self.longest_pause))
            .with_max_delay(self.longest_pause)
            .without_max_times()
    }
}
