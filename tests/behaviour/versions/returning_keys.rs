//! Keys that are used again after a delete: whether a stale copy of the deleted record matches its
//! successor.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::counters::{big_integer, from_the_clock};
use super::create_things;
use super::timestamps::seconds;
use super::uuids::bytes;
use crate::support::{on_every_database, on_sqlite};

on_every_database! {
    /// A key that returns repeats its versions: the stale copy of a deleted record matches another one.
    fn without_a_start_at_the_clock_a_returning_key_is_overwritten(conn) {
        use big_integer::{Thing, things};

        run(&create_things(NUMBER_KEY, "BIGINT"), conn);
        let deleted = Thing::create_with(1, (things::id.eq(1), things::name.eq("deleted")), conn);
        let deleted = deleted.unwrap();
        deleted.clone().delete(conn).unwrap();
        let successor = (things::id.eq(1), things::name.eq("successor"));
        let successor = Thing::create_with(1, successor, conn).unwrap();

        // This is what `start = clock` is there to prevent.
        deleted.save(conn).unwrap();
        assert_eq!(successor.reload(conn).unwrap().name, "deleted");
    }

    fn with_a_start_at_the_clock_a_returning_key_is_safe(conn) {
        use from_the_clock::{Thing, things};

        run(&create_things(NUMBER_KEY, "BIGINT"), conn);
        let deleted = Thing::create_with(1, (things::id.eq(1), things::name.eq("deleted")), conn);
        let deleted = deleted.unwrap();
        deleted.clone().delete(conn).unwrap();
        let successor = (things::id.eq(1), things::name.eq("successor"));
        let successor = Thing::create_with(1, successor, conn).unwrap();

        assert!(deleted.clone().save(conn).unwrap_err().is_conflict());
        assert!(deleted.delete(conn).unwrap_err().is_conflict());
        assert_eq!(successor.reload(conn).unwrap().name, "successor");
    }

    /// A timestamp is a start at the clock as well, and as good as its ticks: within one of them, a key
    /// that returns brings its version along. Only a version that never repeats is safe then.
    fn within_one_tick_a_returning_key_is_overwritten(conn) {
        use seconds::{Thing, things};

        run(&create_things(NUMBER_KEY, SECONDS), conn);
        let repeated = (0..50).any(|_| {
            let deleted = (things::id.eq(1), things::name.eq("deleted"));
            let deleted = Thing::create_with(1, deleted, conn).unwrap();
            deleted.clone().delete(conn).unwrap();
            let successor = (things::id.eq(1), things::name.eq("successor"));
            let successor = Thing::create_with(1, successor, conn).unwrap();
            let same = deleted.version == successor.version;
            assert_eq!(same, deleted.save(conn).is_ok());
            let left = successor.reload(conn).unwrap();
            assert_eq!(left.name, if same { "deleted" } else { "successor" });
            left.delete(conn).unwrap();
            same
        });
        assert!(repeated);
    }

    fn a_version_that_never_repeats_is_safe(conn) {
        use bytes::{Thing, things};

        run(&create_things(NUMBER_KEY, UUID_BYTES), conn);
        let deleted = Thing::create_with(1, (things::id.eq(1), things::name.eq("deleted")), conn);
        let deleted = deleted.unwrap();
        deleted.clone().delete(conn).unwrap();
        let successor = (things::id.eq(1), things::name.eq("successor"));
        let successor = Thing::create_with(1, successor, conn).unwrap();
        assert!(deleted.save(conn).unwrap_err().is_conflict());
        assert_eq!(successor.reload(conn).unwrap().name, "successor");
    }
}

on_sqlite! {
    /// Without `AUTOINCREMENT`, keys return by themselves.
    fn a_rowid_is_handed_out_again(conn) {
        use big_integer::{Thing, things};

        run(&create_things("INTEGER NOT NULL PRIMARY KEY", "BIGINT"), conn);
        let deleted = Thing::create(things::name.eq("deleted"), conn).unwrap();
        deleted.clone().delete(conn).unwrap();
        let successor = Thing::create(things::name.eq("successor"), conn).unwrap();
        assert_eq!(deleted.id, successor.id);
    }
}
