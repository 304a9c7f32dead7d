//! UUIDs as versions: a new one with each write.
//!
//! A counter tells that *somebody* wrote version 8; a UUID tells *which write* it was. That is what
//! a writer needs who lost the answer to its own write and wants to know whether it happened.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Binary, Text};
use uuid::Uuid;

use super::{Clock, Version};

/// A version that is a random UUID (version 4), different with each write.
///
/// Never repeats, not even when the key of a deleted record is used again. Kept in a `Binary`
/// column of 16 bytes, or in a `Text` column of 36 characters, where a person can read it; on
/// PostgreSQL also in a `Uuid` column, which is the smallest.
///
/// ```
/// use noclobber::version::{Clock, UuidVersion, Version};
///
/// let first = UuidVersion::initial(&Clock::default());
/// let second = first.next(&Clock::default()).unwrap();
/// assert_ne!(first, second);
/// assert_eq!(first.text().len(), 36);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
#[diesel(sql_type = Text)]
#[cfg_attr(feature = "postgres", diesel(sql_type = diesel::sql_types::Uuid))]
pub struct UuidVersion(pub Uuid);

impl Version for UuidVersion {
    fn initial(_: &Clock) -> Self {
        UuidVersion(Uuid::new_v4())
    }

    fn next(&self, _: &Clock) -> Option<Self> {
        Some(UuidVersion(Uuid::new_v4()))
    }

    fn text(&self) -> Cow<'static, str> {
        self.0.hyphenated().to_string().into()
    }
}

impl From<Uuid> for UuidVersion {
    fn from(uuid: Uuid) -> Self {
        UuidVersion(uuid)
    }
}

/// Reads what [`Version::text`] writes, as a client sends it back.
impl FromStr for UuidVersion {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(UuidVersion)
    }
}

impl fmt::Debug for UuidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for UuidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl<DB> ToSql<Binary, DB> for UuidVersion
where
    DB: Backend,
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <[u8] as ToSql<Binary, DB>>::to_sql(self.0.as_bytes(), out)
    }
}

impl<DB> FromSql<Binary, DB> for UuidVersion
where
    DB: Backend,
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = Vec::<u8>::from_sql(bytes)?;
        Ok(UuidVersion(Uuid::from_slice(&bytes)?))
    }
}

// How text is bound that lives no longer than the call stands in `backend`.
impl<DB> FromSql<Text, DB> for UuidVersion
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(text: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(String::from_sql(text)?.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_gets_a_version_of_its_own() {
        let clock = Clock::default();
        let first = UuidVersion::initial(&clock);
        assert_ne!(first, UuidVersion::initial(&clock));
        assert_ne!(Some(first), first.next(&clock));
    }

    #[test]
    fn the_text_is_lower_case_and_hyphenated() {
        let version = UuidVersion(Uuid::from_u128(0xABCD << 112));
        assert_eq!(version.text(), "abcd0000-0000-0000-0000-000000000000");
        assert_eq!(format!("{version:?}"), "abcd0000-0000-0000-0000-000000000000");
        assert_eq!(version.to_string().parse(), Ok(version));
        assert!("abcd".parse::<UuidVersion>().is_err());
    }
}
