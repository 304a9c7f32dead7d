//! The clock that versions are computed with: the system's, or one that stands still for a test.

use chrono::{DateTime, TimeDelta, Timelike, Utc};

/// How finely the database keeps a version that is a timestamp.
///
/// A version with more digits than the column keeps would never match again, so they are cut off
/// before they are written: `#[versioned(precision = ms)]`. The schema that Diesel prints does not
/// tell the precision of a column, hence the declaration.
///
/// ```
/// use noclobber::version::Precision;
///
/// assert_eq!(Precision::default(), Precision::Microseconds);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// Whole seconds, as MariaDB's plain `DATETIME` keeps them: `precision = s`.
    Seconds,
    /// Thousandths of a second: `precision = ms`.
    Milliseconds,
    /// Millionths of a second: `precision = us`, the default.
    #[default]
    Microseconds,
}

impl Precision {
    /// The smallest difference that the column keeps.
    pub(crate) fn tick(self) -> TimeDelta {
        TimeDelta::nanoseconds(i64::from(self.nanoseconds()))
    }

    /// `time` without the digits that the column would lose.
    pub(crate) fn truncate(self, time: DateTime<Utc>) -> DateTime<Utc> {
        // A leap second counts beyond 999 999 999; it is cut to the last tick of its second.
        let kept = time.nanosecond().min(999_999_999) / self.nanoseconds() * self.nanoseconds();
        time.with_nanosecond(kept).unwrap_or(time)
    }

    fn nanoseconds(self) -> u32 {
        match self {
            Precision::Seconds => 1_000_000_000,
            Precision::Milliseconds => 1_000_000,
            Precision::Microseconds => 1_000,
        }
    }
}

/// Where a version takes the present from.
///
/// ```
/// use noclobber::version::{Clock, Version};
/// use chrono::{DateTime, NaiveDateTime};
///
/// let noon = DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc();
/// let clock = Clock::at(noon);
/// let first = NaiveDateTime::initial(&clock);
/// // The clock stands still, the version does not.
/// assert!(first.next(&clock).unwrap() > first);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    stopped_at: Option<DateTime<Utc>>,
    precision: Precision,
}

impl Clock {
    /// The system's clock, for versions that are kept with this precision.
    ///
    /// ```
    /// use noclobber::version::{Clock, Precision};
    ///
    /// let now = Clock::system(Precision::Seconds).now();
    /// assert!(now <= chrono::Utc::now());
    /// ```
    #[must_use]
    pub fn system(precision: Precision) -> Self {
        Clock { stopped_at: None, precision }
    }

    /// A clock that always shows `present`.
    ///
    /// ```
    /// use noclobber::version::Clock;
    ///
    /// let epoch = chrono::DateTime::UNIX_EPOCH;
    /// assert_eq!(Clock::at(epoch).now(), epoch);
    /// ```
    #[must_use]
    pub fn at(present: DateTime<Utc>) -> Self {
        Clock { stopped_at: Some(present), precision: Precision::default() }
    }

    /// The same clock, for versions that are kept with this precision.
    ///
    /// ```
    /// use noclobber::version::{Clock, Precision};
    ///
    /// let clock = Clock::at(chrono::DateTime::UNIX_EPOCH).with_precision(Precision::Seconds);
    /// assert_eq!(clock.precision(), Precision::Seconds);
    /// ```
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Clock { precision, ..self }
    }

    /// The present, in UTC.
    ///
    /// ```
    /// use noclobber::version::Clock;
    ///
    /// assert!(Clock::default().now() > chrono::DateTime::UNIX_EPOCH);
    /// ```
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.stopped_at.unwrap_or_else(Utc::now)
    }

    /// How finely the versions computed with this clock are kept.
    ///
    /// ```
    /// use noclobber::version::{Clock, Precision};
    ///
    /// assert_eq!(Clock::default().precision(), Precision::Microseconds);
    /// ```
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }
}
