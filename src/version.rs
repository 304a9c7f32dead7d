//! The version of a record: what a guarded write compares, and how it moves on.
//!
//! Every write compares the version that its caller loaded with the one in the row, and writes the
//! next one. [`Version`] computes that next one without a database, so that a save is one statement.
//!
//! | type | a write makes it | starts at |
//! |---|---|---|
//! | `i16`, `i32`, `i64` | one more | 1 |
//! | `i64` with `#[versioned(start = clock)]` | one more | the microseconds since 1970 |
//! | `NaiveDateTime`, `DateTime<Utc>` | the present, and always later than before | the present |
//! | `UuidVersion` | another one | a random one |

mod clock;
mod timestamp;
#[cfg(feature = "uuid")]
mod uuid;

use std::fmt;

pub use self::clock::{Clock, Precision};
#[cfg(feature = "uuid")]
pub use self::uuid::UuidVersion;

/// A value that guards a record: every write replaces it by another one.
///
/// Implemented for the counters `i16`, `i32` and `i64`, for the timestamps
/// [`chrono::NaiveDateTime`] and [`chrono::DateTime<Utc>`](chrono::DateTime), and, with the feature
/// `uuid`, for `UuidVersion`. A type of your own can implement it as well.
///
/// # The contract
///
/// * [`next`](Version::next) never answers a value that the record had before; that is what makes
///   comparing two versions for equality enough.
/// * Equal values are equal in the database: what was written is found again by `version = ?`.
/// * [`text`](Version::text) is canonical: equal versions have equal texts, different ones have
///   different texts. It names the version in errors, and it may be shown to clients.
///
/// ```
/// use noclobber::version::{Clock, Version};
/// use std::borrow::Cow;
///
/// /// A counter that leaves room between two versions.
/// #[derive(Debug, Clone, PartialEq)]
/// struct Hundreds(i64);
///
/// impl Version for Hundreds {
///     fn initial(_: &Clock) -> Self {
///         Hundreds(100)
///     }
///     fn next(&self, _: &Clock) -> Option<Self> {
///         self.0.checked_add(100).map(Hundreds)
///     }
///     fn text(&self) -> Cow<'static, str> {
///         self.0.to_string().into()
///     }
/// }
///
/// assert_eq!(Hundreds(100).next(&Clock::default()), Some(Hundreds(200)));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the version of a record",
    label = "not a version",
    note = "a version is an `i16`, `i32`, `i64`, `chrono::NaiveDateTime`, `chrono::DateTime<Utc>`, \
            `noclobber::version::UuidVersion`, or a type of yours that implements \
            `noclobber::version::Version`; it is never an `Option`: a missing version guards nothing"
)]
pub trait Version: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    // Whether `next` is always this version plus one. The database then adds the one by itself: a
    // value less to be bound.
    #[doc(hidden)]
    const COUNTS: bool = false;

    // The last version of a type that counts: the one that the database must not add to.
    #[doc(hidden)]
    const LAST: Option<Self> = None;

    /// The version of a record that is being created.
    ///
    /// ```
    /// use noclobber::version::{Clock, Version};
    ///
    /// assert_eq!(i64::initial(&Clock::default()), 1);
    /// ```
    fn initial(clock: &Clock) -> Self;

    /// The version that follows this one, or `None` when there is none left.
    ///
    /// A counter at its maximum answers `None` and never wraps; an operation makes
    /// [`Error::VersionExhausted`](crate::Error::VersionExhausted) of it.
    ///
    /// ```
    /// use noclobber::version::{Clock, Version};
    ///
    /// assert_eq!(7_i64.next(&Clock::default()), Some(8));
    /// assert_eq!(i64::MAX.next(&Clock::default()), None);
    /// ```
    #[must_use]
    fn next(&self, clock: &Clock) -> Option<Self>;

    /// The version as canonical text.
    ///
    /// ```
    /// use noclobber::version::Version;
    ///
    /// assert_eq!(7_i64.text(), "7");
    /// ```
    fn text(&self) -> std::borrow::Cow<'static, str>;
}

macro_rules! counter {
    ($($integer:ty),*) => {$(
        /// Counts from 1.
        impl Version for $integer {
            const COUNTS: bool = true;
            const LAST: Option<Self> = Some(<$integer>::MAX);

            fn initial(_: &Clock) -> Self {
                1
            }

            #[inline]
            fn next(&self, _: &Clock) -> Option<Self> {
                self.checked_add(1)
            }

            fn text(&self) -> std::borrow::Cow<'static, str> {
                self.to_string().into()
            }
        }

        impl Counter for $integer {}
    )*};
}

counter!(i16, i32, i64);

/// A version whose successor is always one more, so that a statement can raise it without knowing it.
///
/// What [`bump_version`](crate::VersionedDsl::bump_version) asks of a version. Implemented for `i16`,
/// `i32` and `i64`, and meant to be implemented by nothing else.
///
/// ```
/// fn can_be_raised_unseen<V: noclobber::version::Counter>() {}
/// can_be_raised_unseen::<i64>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a version of type `{Self}` cannot be raised by `version + 1`",
    label = "not a counter",
    note = "`bump_version` is for versions of type `i16`, `i32` and `i64`; set any other one to a value \
            that its rows never had: a timestamp to the present, a UUID to a random one for each row"
)]
pub trait Counter: Version {}

/// A version that no other write can have: whoever finds it in a row knows which write left it there.
///
/// What [`resolve`](crate::VersionedDsl::resolve) asks of a version. Counters and timestamps are not
/// of this kind: somebody else's write may have left the same one.
#[cfg_attr(
    feature = "uuid",
    doc = "
```
fn tells_its_write<V: noclobber::version::UniqueVersion>() {}
tells_its_write::<noclobber::version::UuidVersion>();
```"
)]
#[diagnostic::on_unimplemented(
    message = "a version of type `{Self}` does not tell which write it came from",
    label = "somebody else's write may have left the same one",
    note = "use `noclobber::version::UuidVersion`, or implement `UniqueVersion` for a type of yours \
            whose `next` is different at every call"
)]
pub trait UniqueVersion: Version {}

#[cfg(feature = "uuid")]
impl UniqueVersion for UuidVersion {}

/// A version that can start at the time of creation, so that a key which is used again after a
/// delete does not repeat the versions of its predecessor.
///
/// Asked for by `#[versioned(start = clock)]`. Only an `i64` has the room: it starts at the
/// microseconds since 1970 (UTC) and counts on from there. It repeats where key and time both return:
/// when the clock is set back between the delete and the creation, or when the deleted record was
/// written more often than once in a microsecond.
///
/// ```
/// use noclobber::version::{Clock, StartsAtClock};
///
/// let clock = Clock::at(chrono::DateTime::from_timestamp(1, 500_000_000).unwrap());
/// assert_eq!(<i64 as StartsAtClock>::initial_at(&clock), 1_500_000);
/// ```
#[diagnostic::on_unimplemented(
    message = "`start = clock` needs a version of type `i64`, not `{Self}`",
    label = "has no room for microseconds since 1970"
)]
pub trait StartsAtClock: Version {
    /// The version of a record that is created at the clock's present.
    ///
    /// ```
    /// use noclobber::version::{Clock, StartsAtClock};
    ///
    /// assert_eq!(i64::initial_at(&Clock::at(chrono::DateTime::UNIX_EPOCH)), 0);
    /// ```
    fn initial_at(clock: &Clock) -> Self;
}

impl StartsAtClock for i64 {
    fn initial_at(clock: &Clock) -> Self {
        clock.now().timestamp_micros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_start_at_one_and_rise_by_one() {
        let clock = Clock::default();
        assert_eq!(i16::initial(&clock), 1);
        assert_eq!(i32::initial(&clock), 1);
        assert_eq!(i64::initial(&clock), 1);
        assert_eq!(41_i16.next(&clock), Some(42));
        assert_eq!((-1_i32).next(&clock), Some(0));
        assert_eq!(7_i64.text(), "7");
        assert_eq!(7_i16.text(), "7");
        assert_eq!((-7_i32).text(), "-7");
    }

    #[test]
    fn a_counter_at_its_maximum_has_no_next_version() {
        let clock = Clock::default();
        assert_eq!(i16::MAX.next(&clock), None);
        assert_eq!(i32::MAX.next(&clock), None);
        assert_eq!(i64::MAX.next(&clock), None);
        assert_eq!((i64::MAX - 1).next(&clock), Some(i64::MAX));
    }
}
