//! Timestamps as versions: the time of the last write, and still never the same one twice.
//!
//! A clock that stands still or is set back would hand out a version that the record had already.
//! So the next version is the later one of the present and one tick after the previous version.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};

use super::{Clock, Version};

/// The time of the last write, in UTC, without its zone.
///
/// On SQLite a timestamp is text and compared as text: such a version must be written by Diesel
/// only, since `12:00:00.120` and `12:00:00.120000` are different texts for the same time.
impl Version for NaiveDateTime {
    fn initial(clock: &Clock) -> Self {
        <DateTime<Utc> as Version>::initial(clock).naive_utc()
    }

    fn next(&self, clock: &Clock) -> Option<Self> {
        self.and_utc().next(clock).map(|next| next.naive_utc())
    }

    fn text(&self) -> Cow<'static, str> {
        self.format("%Y-%m-%dT%H:%M:%S%.f").to_string().into()
    }
}

/// The time of the last write.
impl Version for DateTime<Utc> {
    fn initial(clock: &Clock) -> Self {
        clock.precision().truncate(clock.now())
    }

    fn next(&self, clock: &Clock) -> Option<Self> {
        let after_previous = self.checked_add_signed(clock.precision().tick())?;
        Some(clock.precision().truncate(clock.now().max(after_previous)))
    }

    fn text(&self) -> Cow<'static, str> {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Precision;
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn two_writes_within_one_tick_get_different_timestamps() {
        let clock = Clock::at(time("2026-05-01T12:00:00.123456Z"));
        let first = NaiveDateTime::initial(&clock);
        let second = first.next(&clock).unwrap();
        let third = second.next(&clock).unwrap();
        assert_eq!(first.text(), "2026-05-01T12:00:00.123456");
        assert_eq!(second.text(), "2026-05-01T12:00:00.123457");
        assert_eq!(third.text(), "2026-05-01T12:00:00.123458");
    }

    #[test]
    fn a_clock_set_back_keeps_rising() {
        let before = DateTime::<Utc>::initial(&Clock::at(time("2026-05-01T12:00:00Z")));
        let set_back = Clock::at(time("2026-05-01T11:00:00Z"));
        let after = before.next(&set_back).unwrap();
        assert_eq!(after, time("2026-05-01T12:00:00.000001Z"));
    }

    #[test]
    fn a_later_clock_gives_the_present() {
        let before = time("2026-05-01T12:00:00Z");
        let later = Clock::at(time("2026-05-01T13:00:00.5Z"));
        assert_eq!(before.next(&later), Some(time("2026-05-01T13:00:00.5Z")));
    }

    #[test]
    fn digits_beyond_the_declared_precision_are_cut_off() {
        let present = Clock::at(time("2026-05-01T12:00:00.987654321Z"));
        let seconds = present.with_precision(Precision::Seconds);
        let milliseconds = present.with_precision(Precision::Milliseconds);
        assert_eq!(DateTime::<Utc>::initial(&seconds), time("2026-05-01T12:00:00Z"));
        assert_eq!(DateTime::<Utc>::initial(&milliseconds), time("2026-05-01T12:00:00.987Z"));
        assert_eq!(DateTime::<Utc>::initial(&present), time("2026-05-01T12:00:00.987654Z"));
        assert_eq!(time("2026-05-01T12:00:00Z").next(&seconds), Some(time("2026-05-01T12:00:01Z")));
        // A version finer than declared, written before the declaration, still moves on.
        assert_eq!(
            time("2026-05-01T12:00:00.9876Z").next(&milliseconds),
            Some(time("2026-05-01T12:00:00.988Z"))
        );
    }

    #[test]
    fn times_of_every_century_move_on() {
        let clock = Clock::at(time("2026-05-01T12:00:00Z"));
        assert_eq!(
            time("2300-05-01T12:00:00.5Z").next(&clock),
            Some(time("2300-05-01T12:00:00.500001Z"))
        );
        let far = Clock::at(time("2300-05-01T12:00:00.123456789Z"));
        assert_eq!(DateTime::<Utc>::initial(&far), time("2300-05-01T12:00:00.123456Z"));
    }

    #[test]
    fn a_leap_second_moves_on() {
        let clock = Clock::at(time("2016-12-31T23:59:60.5Z"));
        let version = DateTime::<Utc>::initial(&clock);
        assert!(version.next(&clock).unwrap() > version);
    }

    #[test]
    fn the_last_timestamp_has_no_next_version() {
        assert_eq!(DateTime::<Utc>::MAX_UTC.next(&Clock::default()), None);
        assert_eq!(NaiveDateTime::MAX.next(&Clock::default()), None);
    }

    #[test]
    fn texts_are_canonical() {
        assert_eq!(time("2026-05-01T14:00:00.120+02:00").text(), "2026-05-01T12:00:00.120Z");
        assert_eq!(time("2026-05-01T12:00:00Z").naive_utc().text(), "2026-05-01T12:00:00");
    }
}
