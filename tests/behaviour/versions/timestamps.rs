//! Timestamps, of each precision that a column can have.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use noclobber::prelude::*;

use super::{create_things, version_of};
use crate::support::on_every_database;

version_of!(on_every_database microseconds: NaiveDateTime, Timestamp, MICROSECONDS);
version_of!(
    on_every_database milliseconds: NaiveDateTime, Timestamp, MILLISECONDS,
    #[versioned(precision = ms)]
);
version_of!(
    on_every_database seconds: NaiveDateTime, Timestamp, SECONDS, #[versioned(precision = s)]
);
// What Diesel calls the column that the ones above are kept in.
#[cfg(feature = "mysql")]
version_of!(
    on_mysql datetime: NaiveDateTime, Datetime, "DATETIME(6)",
    #[diesel(check_for_backend(diesel::mysql::Mysql))]
);

// With a zone, each database has an SQL type of its own; MySQL has none.
version_of!(
    on_sqlite with_zone: DateTime<Utc>, TimestamptzSqlite, "TEXT",
    #[diesel(check_for_backend(diesel::sqlite::Sqlite))]
);
#[cfg(feature = "postgres")]
version_of!(
    on_postgres with_zone_of_postgres: DateTime<Utc>, Timestamptz, "TIMESTAMPTZ(6)",
    #[diesel(check_for_backend(diesel::pg::Pg))]
);
#[cfg(feature = "postgres")]
version_of!(
    on_postgres with_zone_and_seconds: DateTime<Utc>, Timestamptz, "TIMESTAMPTZ(0)",
    #[diesel(check_for_backend(diesel::pg::Pg))], #[versioned(precision = s)]
);

/// Long ago, so that the next version is the present and not one tick later.
const AGE: &str = "UPDATE things SET version = '2001-02-03 04:05:06'";

on_every_database! {
    fn seconds_are_whole(conn) {
        use seconds::{Thing, things};

        run(&create_things(NUMBER_KEY, SECONDS), conn);
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        assert_eq!(thing.version.and_utc().timestamp_subsec_nanos(), 0);
        run(AGE, conn);
        let thing = thing.reload(conn).unwrap().touch(conn).unwrap();
        assert_eq!(thing.version.and_utc().timestamp_subsec_nanos(), 0);
        assert_eq!(Thing::find(thing.id, conn).unwrap(), thing);
        thing.touch(conn).unwrap();
    }

    fn milliseconds_are_whole(conn) {
        use milliseconds::{Thing, things};

        run(&create_things(NUMBER_KEY, MILLISECONDS), conn);
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        assert_eq!(thing.version.and_utc().timestamp_subsec_nanos() % 1_000_000, 0);
        run(AGE, conn);
        let thing = thing.reload(conn).unwrap().touch(conn).unwrap();
        assert_eq!(thing.version.and_utc().timestamp_subsec_nanos() % 1_000_000, 0);
        assert_eq!(Thing::find(thing.id, conn).unwrap(), thing);
        thing.touch(conn).unwrap();
    }
}
