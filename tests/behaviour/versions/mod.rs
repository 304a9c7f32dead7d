//! Every kind of version, in a table.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};
use noclobber::prelude::*;
use noclobber::version::{Clock, UuidVersion, Version};
use noclobber::{Error, Found};

use crate::support::sqlite::run;

/// A table with a version of this type, and what is true of every version.
macro_rules! version_of {
    ($name:ident, $sql_type:ty, $column:literal, $version:ty $(, #[$attribute:meta])*) => {
        mod $name {
            use super::*;

            diesel::table! {
                use diesel::sql_types::*;
                things (id) { id -> BigInt, name -> Text, version -> $sql_type }
            }

            #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
            #[diesel(table_name = things, check_for_backend(diesel::sqlite::Sqlite))]
            $(#[$attribute])*
            pub(super) struct Thing {
                pub(super) id: i64,
                pub(super) name: String,
                pub(super) version: $version,
            }

            pub(super) fn connect() -> SqliteConnection {
                let mut conn = SqliteConnection::establish(":memory:").unwrap();
                run(
                    concat!(
                        "CREATE TABLE things (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, ",
                        "version ", $column, " NOT NULL)"
                    ),
                    &mut conn,
                );
                conn
            }

            pub(super) fn create(name: &str, conn: &mut SqliteConnection) -> Thing {
                Thing::create(things::name.eq(name), conn).unwrap()
            }

            #[test]
            fn guards_what_it_is_the_version_of() {
                let conn = &mut connect();
                let first = create("first", conn);
                let second = Thing { name: "second".into(), ..first.clone() }.save(conn).unwrap();
                assert_ne!(first.version, second.version);
                assert_eq!(Thing::find(first.id, conn).unwrap(), second);

                let error = Thing { name: "late".into(), ..first.clone() }.save(conn).unwrap_err();
                let conflict = error.conflict().unwrap();
                assert_eq!(conflict.expected(), first.version.text());
                assert_eq!(*conflict.found(), Found::Version(second.version.text().into()));

                assert!(first.delete(conn).unwrap_err().is_conflict());
                second.delete(conn).unwrap();
            }

            #[test]
            fn is_different_at_every_write() {
                let conn = &mut connect();
                let mut thing = create("thing", conn);
                let mut seen = vec![thing.version.clone()];
                for _ in 0..50 {
                    thing = thing.touch(conn).unwrap();
                    assert!(!seen.contains(&thing.version));
                    seen.push(thing.version.clone());
                }
                assert_eq!(Thing::find(thing.id, conn).unwrap(), thing);
            }
        }
    };
}

version_of!(small_integer, SmallInt, "SMALLINT", i16);
version_of!(integer, Integer, "INTEGER", i32);
version_of!(big_integer, BigInt, "BIGINT", i64);
version_of!(from_the_clock, BigInt, "BIGINT", i64, #[versioned(start = clock)]);
version_of!(timestamp, Timestamp, "TIMESTAMP", NaiveDateTime);
version_of!(timestamp_of_seconds, Timestamp, "TIMESTAMP", NaiveDateTime, #[versioned(precision = s)]);
version_of!(timestamp_of_millis, Timestamp, "TIMESTAMP", NaiveDateTime, #[versioned(precision = ms)]);
version_of!(timestamp_with_zone, TimestamptzSqlite, "TEXT", DateTime<Utc>);
version_of!(uuid_bytes, Binary, "BLOB", UuidVersion);
version_of!(uuid_text, Text, "TEXT", UuidVersion);
version_of!(of_the_users_own, Text, "TEXT", Letters);

/// `a`, `b`, …, `z`: a version type as a user would write one.
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
struct Letters(String);

impl Version for Letters {
    fn initial(_: &Clock) -> Self {
        Letters("a".into())
    }

    fn next(&self, _: &Clock) -> Option<Self> {
        match self.0.strip_suffix('z') {
            Some(rest) if rest.len() > 8 => None,
            Some(rest) => Some(Letters(format!("{rest}za"))),
            None => {
                let last = self.0.chars().last()?;
                let next = char::from_u32(u32::from(last) + 1)?;
                Some(Letters(format!("{}{next}", &self.0[..self.0.len() - 1])))
            }
        }
    }

    fn text(&self) -> Cow<'static, str> {
        self.0.clone().into()
    }
}

impl ToSql<Text, Sqlite> for Letters {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        <String as ToSql<Text, Sqlite>>::to_sql(&self.0, out)
    }
}

impl FromSql<Text, Sqlite> for Letters {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Sqlite>>::from_sql(value).map(Letters)
    }
}

#[test]
fn counters_refuse_to_wrap() {
    let conn = &mut small_integer::connect();
    let thing = small_integer::create("thing", conn);
    run("UPDATE things SET version = 32767", conn);
    let error = thing.reload(conn).unwrap().save(conn).unwrap_err();
    assert!(matches!(&error, Error::VersionExhausted { version, .. } if version == "32767"));

    let conn = &mut integer::connect();
    let thing = integer::create("thing", conn);
    run("UPDATE things SET version = 2147483647", conn);
    let error = thing.reload(conn).unwrap().touch(conn).unwrap_err();
    assert!(matches!(&error, Error::VersionExhausted { version, .. } if version == "2147483647"));
}

/// A key that returns repeats its versions: the stale copy of a deleted record matches another one.
#[test]
fn without_a_start_at_the_clock_a_returning_key_is_overwritten() {
    let conn = &mut big_integer::connect();
    let deleted = big_integer::create("deleted", conn);
    deleted.clone().delete(conn).unwrap();
    let successor = big_integer::create("successor", conn);
    assert_eq!(deleted.id, successor.id, "SQLite hands out rowids again");

    // This is what `start = clock` is there to prevent.
    deleted.save(conn).unwrap();
    assert_eq!(successor.reload(conn).unwrap().name, "deleted");
}

#[test]
fn with_a_start_at_the_clock_a_returning_key_is_safe() {
    let conn = &mut from_the_clock::connect();
    let deleted = from_the_clock::create("deleted", conn);
    deleted.clone().delete(conn).unwrap();
    let successor = from_the_clock::create("successor", conn);
    assert_eq!(deleted.id, successor.id, "SQLite hands out rowids again");

    assert!(deleted.clone().save(conn).unwrap_err().is_conflict());
    assert!(deleted.delete(conn).unwrap_err().is_conflict());
    assert_eq!(successor.reload(conn).unwrap().name, "successor");
}

/// A timestamp is a start at the clock as well, and as good as its ticks: within one of them, a key
/// that returns brings its version along. Only a version that never repeats is safe then.
#[test]
fn within_one_tick_a_returning_key_is_overwritten_unless_its_version_never_repeats() {
    let conn = &mut timestamp_of_seconds::connect();
    let repeated = (0..50).any(|_| {
        let deleted = timestamp_of_seconds::create("deleted", conn);
        deleted.clone().delete(conn).unwrap();
        let successor = timestamp_of_seconds::create("successor", conn);
        let same = deleted.version == successor.version;
        assert_eq!(same, deleted.save(conn).is_ok());
        let left = successor.reload(conn).unwrap();
        assert_eq!(left.name, if same { "deleted" } else { "successor" });
        left.delete(conn).unwrap();
        same
    });
    assert!(repeated);

    let conn = &mut uuid_bytes::connect();
    let deleted = uuid_bytes::create("deleted", conn);
    deleted.clone().delete(conn).unwrap();
    let successor = uuid_bytes::create("successor", conn);
    assert_eq!(deleted.id, successor.id, "SQLite hands out rowids again");
    assert!(deleted.save(conn).unwrap_err().is_conflict());
    assert_eq!(successor.reload(conn).unwrap().name, "successor");
}

#[test]
fn a_version_from_the_clock_counts_on_from_there() {
    let conn = &mut from_the_clock::connect();
    let before = Utc::now().timestamp_micros();
    let thing = from_the_clock::create("thing", conn);
    let after = Utc::now().timestamp_micros();
    assert!((before..=after).contains(&thing.version));
    assert_eq!(thing.clone().touch(conn).unwrap().version, thing.version + 1);
}

#[test]
fn timestamps_keep_to_their_declared_precision() {
    let conn = &mut timestamp_of_seconds::connect();
    let thing = timestamp_of_seconds::create("thing", conn).touch(conn).unwrap();
    assert_eq!(thing.version.and_utc().timestamp_subsec_nanos(), 0);
    let conn = &mut timestamp_of_millis::connect();
    let thing = timestamp_of_millis::create("thing", conn).touch(conn).unwrap();
    assert_eq!(thing.version.and_utc().timestamp_subsec_nanos() % 1_000_000, 0);
}

#[test]
fn a_uuid_is_kept_as_bytes_or_as_text() {
    let conn = &mut uuid_bytes::connect();
    uuid_bytes::create("thing", conn);
    let kind = |conn: &mut SqliteConnection| {
        diesel::select(diesel::dsl::sql::<Text>("(SELECT typeof(version) FROM things)"))
            .get_result::<String>(conn)
            .unwrap()
    };
    assert_eq!(kind(conn), "blob");
    let conn = &mut uuid_text::connect();
    uuid_text::create("thing", conn);
    assert_eq!(kind(conn), "text");
}
