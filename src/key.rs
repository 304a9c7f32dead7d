//! The primary key of a record, and its canonical text.
//!
//! The text names a record where there is no room for a type: in errors, in logs, in the `locks`
//! table. Equal keys have equal texts and different keys have different ones, over all processes.

use std::fmt::{self, Write as _};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

/// A primary key that has a canonical text.
///
/// Implemented for integers, `bool`, text, bytes, the date and time types of `chrono`, `Uuid`
/// (feature `uuid`), and tuples of them for composite keys. A newtype implements it by writing its
/// inner value:
///
/// ```
/// use noclobber::key::{Key, KeyText};
///
/// #[derive(Debug, Clone, Copy, PartialEq)]
/// struct DocumentId(i64);
///
/// impl Key for DocumentId {
///     fn write(&self, text: &mut KeyText) {
///         self.0.write(text);
///     }
/// }
///
/// assert_eq!(DocumentId(7).text(), "7");
/// assert_eq!((7, "a, b".to_owned()).text(), "7,a%2C%20b");
/// ```
///
/// # The text
///
/// The components of a key are joined by `,`. Integers are decimal, booleans `true` or `false`,
/// UUIDs hyphenated in lower case, bytes hexadecimal in lower case, dates and times as in ISO 8601.
/// Every byte that is not unreserved in the sense of RFC 3986, section 2.3, stands percent-encoded,
/// with upper-case digits, as its section 2.1 wants it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a versioned record",
    label = "has no canonical text",
    note = "implement `noclobber::key::Key` for it by writing its components"
)]
pub trait Key {
    /// Writes the components of this key, each with [`KeyText::push`].
    ///
    /// ```
    /// use noclobber::key::{Key, KeyText};
    ///
    /// let mut text = KeyText::default();
    /// (2026, "minutes".to_owned()).write(&mut text);
    /// assert_eq!(text.to_string(), "2026,minutes");
    /// ```
    fn write(&self, text: &mut KeyText);

    /// The whole key as canonical text.
    ///
    /// ```
    /// use noclobber::key::Key;
    ///
    /// assert_eq!("Grüße".to_owned().text(), "Gr%C3%BC%C3%9Fe");
    /// ```
    fn text(&self) -> String {
        let mut text = KeyText::default();
        self.write(&mut text);
        text.encoded
    }
}

/// Collects the components of a key; see [`Key`].
///
/// ```
/// use noclobber::key::KeyText;
///
/// let mut text = KeyText::default();
/// text.push("north").push(12);
/// assert_eq!(text.to_string(), "north,12");
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyText {
    encoded: String,
    components: usize,
}

impl KeyText {
    /// Adds one component: percent-encoded, and set off from the one before it by a comma.
    ///
    /// ```
    /// use noclobber::key::KeyText;
    ///
    /// assert_eq!(KeyText::default().push("50 %").to_string(), "50%20%25");
    /// ```
    pub fn push(&mut self, component: impl fmt::Display) -> &mut Self {
        if self.components > 0 {
            self.encoded.push(',');
        }
        self.components += 1;
        // Writing to a `String` has no error of its own; one from `component` leaves the text short.
        let _ = write!(PercentEncoder(&mut self.encoded), "{component}");
        self
    }
}

impl fmt::Display for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encoded)
    }
}

struct PercentEncoder<'a>(&'a mut String);

impl fmt::Write for PercentEncoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.0.push(char::from(byte));
                }
                _ => write!(self.0, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

macro_rules! displayed {
    ($($type:ty),*) => {$(
        impl Key for $type {
            fn write(&self, text: &mut KeyText) {
                text.push(self);
            }
        }
    )*};
}

displayed!(i8, i16, i32, i64, u8, u16, u32, u64, bool, str, String, NaiveDate);

impl Key for NaiveTime {
    fn write(&self, text: &mut KeyText) {
        text.push(self.format("%H:%M:%S%.f"));
    }
}

impl Key for NaiveDateTime {
    fn write(&self, text: &mut KeyText) {
        text.push(self.format("%Y-%m-%dT%H:%M:%S%.f"));
    }
}

impl Key for DateTime<Utc> {
    fn write(&self, text: &mut KeyText) {
        text.push(self.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
}

impl Key for Vec<u8> {
    fn write(&self, text: &mut KeyText) {
        text.push(Hexadecimal(self));
    }
}

#[cfg(feature = "uuid")]
impl Key for uuid::Uuid {
    fn write(&self, text: &mut KeyText) {
        text.push(self.as_hyphenated());
    }
}

struct Hexadecimal<'a>(&'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

macro_rules! composite {
    ($(($($component:ident),+))*) => {$(
        impl<$($component: Key),+> Key for ($($component,)+) {
            #[expect(non_snake_case, reason = "the components are named after their types")]
            fn write(&self, text: &mut KeyText) {
                let ($($component,)+) = self;
                $($component.write(text);)+
            }
        }
    )*};
}

composite! {
    (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F)
    (A, B, C, D, E, F, G) (A, B, C, D, E, F, G, H)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_decimal() {
        assert_eq!(i64::MIN.text(), "-9223372036854775808");
        assert_eq!(u64::MAX.text(), "18446744073709551615");
        assert_eq!((1_i16, 2_i32, 3_u8).text(), "1,2,3");
    }

    #[test]
    fn texts_of_different_keys_differ() {
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned()).text();
        assert_eq!(text("a,b", "c"), "a%2Cb,c");
        assert_eq!(text("a", "b,c"), "a,b%2Cc");
        assert_eq!(text("", ""), ",");
        assert_eq!(text("%2C", ""), "%252C,");
        assert_eq!(text("a ", "A"), "a%20,A");
    }

    #[test]
    fn bytes_are_lower_case_hexadecimal() {
        assert_eq!(vec![0_u8, 0x0f, 0xAB].text(), "000fab");
    }

    #[test]
    fn dates_and_times_are_iso_8601() {
        let time = DateTime::parse_from_rfc3339("2026-05-01T14:00:00.120+02:00").unwrap().to_utc();
        assert_eq!(time.text(), "2026-05-01T12%3A00%3A00.120Z");
        assert_eq!(time.naive_utc().text(), "2026-05-01T12%3A00%3A00.120");
        assert_eq!(time.date_naive().text(), "2026-05-01");
        assert_eq!(time.time().text(), "12%3A00%3A00.120");
        assert_eq!(true.text(), "true");
    }

    #[cfg(feature = "uuid")]
    #[test]
    fn uuids_are_lower_case() {
        let id = uuid::Uuid::from_u128(0xABCD << 112);
        assert_eq!(id.text(), "abcd0000-0000-0000-0000-000000000000");
    }
}
