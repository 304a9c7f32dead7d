//! Counters, from one and from the clock.

use chrono::Utc;
use diesel::prelude::*;
use noclobber::Error;
use noclobber::prelude::*;

use super::{create_things, version_of};
use crate::support::on_every_database;

version_of!(on_every_database small_integer: i16, SmallInt, "SMALLINT");
version_of!(on_every_database integer: i32, Integer, "INTEGER");
version_of!(on_every_database big_integer: i64, BigInt, "BIGINT");
version_of!(on_every_database from_the_clock: i64, BigInt, "BIGINT", #[versioned(start = clock)]);

on_every_database! {
    fn a_small_counter_refuses_to_wrap(conn) {
        use small_integer::{Thing, things};

        run(&create_things(NUMBER_KEY, "SMALLINT"), conn);
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        run("UPDATE things SET version = 32767", conn);
        let error = thing.reload(conn).unwrap().save(conn).unwrap_err();
        assert!(matches!(&error, Error::VersionExhausted { version, .. } if version == "32767"));
    }

    fn a_counter_refuses_to_wrap(conn) {
        use integer::{Thing, things};

        run(&create_things(NUMBER_KEY, "INTEGER"), conn);
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        run("UPDATE things SET version = 2147483647", conn);
        let error = thing.reload(conn).unwrap().touch(conn).unwrap_err();
        assert!(
            matches!(&error, Error::VersionExhausted { version, .. } if version == "2147483647")
        );
    }

    fn a_big_counter_refuses_to_wrap(conn) {
        use big_integer::{Thing, things};

        run(&create_things(NUMBER_KEY, "BIGINT"), conn);
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        run("UPDATE things SET version = 9223372036854775806", conn);
        let last = thing.reload(conn).unwrap().save(conn).unwrap();
        assert_eq!(last.version, i64::MAX);
        let error = last.save(conn).unwrap_err();
        assert!(matches!(&error, Error::VersionExhausted { .. }), "{error}");
    }

    fn a_version_from_the_clock_counts_on_from_there(conn) {
        use from_the_clock::{Thing, things};

        run(&create_things(NUMBER_KEY, "BIGINT"), conn);
        let before = Utc::now().timestamp_micros();
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        let after = Utc::now().timestamp_micros();
        assert!((before..=after).contains(&thing.version));
        assert_eq!(thing.clone().touch(conn).unwrap().version, thing.version + 1);
    }
}
