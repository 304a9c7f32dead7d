//! Taking, renewing and giving back: what is particular about the table. The rest is in
//! [`both`](super::both).

use std::time::Duration;

use diesel::connection::SimpleConnection;
use noclobber::Error;
use noclobber::error::Loss;
use noclobber::lock::{self, EventKind, Lock, LockTables};
use noclobber::prelude::*;

use super::{MINUTE, anns, bobs, create_tables, expire, happened, held, lost};
use crate::support::{Witness, on_every_database};

on_every_database! {
    fn a_record_is_locked_and_not_changed(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").note("typos").ttl(MINUTE).acquire(conn).unwrap();
        assert!(lease.is_trusted());
        let info = lease.info();
        assert_eq!((info.entity(), info.record()), ("documents", draft.id.to_string().as_str()));
        assert_eq!((info.owner(), info.note(), info.fence()), ("ann", Some("typos"), 1));
        assert_eq!((info.version(), info.renewals(), info.renewed_at()), (Some("1"), 0, None));
        assert!(info.expires_in() <= MINUTE && info.expires_in() > MINUTE / 2);
        // Each is a look at the clock, one after the other in a statement.
        let lasts = (info.expires_at() - info.acquired_at()).to_std().unwrap();
        assert!(lasts >= MINUTE && lasts < MINUTE + Duration::from_secs(1), "{lasts:?}");
        assert!(!info.is_expired() && !info.is_own_other_session());
        // By the database's clock, which is this machine's in the tests.
        assert!((chrono::Utc::now() - info.acquired_at()).num_seconds().abs() < 5);
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn who_finds_it_locked_is_told_by_whom_and_writes_nothing(conn) {
        create_tables!(conn);
        let lease = anns().note("typos").acquire(conn).unwrap();
        let before = lock::inspect("documents", "7", conn).unwrap();
        let witness = Witness::of(conn);
        let held = held(bobs().acquire(conn).unwrap_err());
        assert!(witness.sent().iter().all(|sql| !sql.starts_with("UPDATE") && !sql.starts_with("INSERT")));
        let info = held.info();
        assert_eq!((info.owner(), info.note(), info.fence()), ("ann", Some("typos"), 1));
        assert!(!info.is_own_other_session());
        assert_eq!(lock::history("documents", "7", conn).unwrap().len(), 1);
        let after = lock::inspect("documents", "7", conn).unwrap().unwrap();
        assert_eq!((after.fence(), after.expires_at()), (1, before.unwrap().expires_at()));
        lease.release(conn).unwrap();
        bobs().acquire(conn).unwrap().release(conn).unwrap();
    }

    /// The same person in another tab is another holder.
    fn the_owner_in_another_session_is_told_so(conn) {
        create_tables!(conn);
        let _one = anns().session("tab-4711").acquire(conn).unwrap();
        let refused = held(anns().session("two").acquire(conn).unwrap_err());
        assert!(refused.info().is_own_other_session());
        let sentence = "documents 7 is locked by yourself in another session since ";
        assert!(refused.to_string().starts_with(sentence), "{refused}");
        assert!(!format!("{refused:?}").contains("4711"), "the session is told to nobody");
        assert!(held(anns().acquire(conn).unwrap_err()).info().is_own_other_session());
        assert!(!held(bobs().session("tab-4711").acquire(conn).unwrap_err()).info().is_own_other_session());
    }

    fn asking_again_after_a_lost_answer_is_the_same_grant(conn) {
        create_tables!(conn);
        let request = anns().ttl(MINUTE);
        let first = request.acquire(conn).unwrap();
        let again = request.acquire(conn).unwrap();
        assert_eq!(again.fence(), first.fence());
        assert_eq!(again.info().acquired_at(), first.info().acquired_at());
        assert_eq!(lock::history("documents", "7", conn).unwrap().len(), 1);
        again.release(conn).unwrap();
    }

    fn who_has_it_now_is_told_where_the_history_is_forgotten(conn) {
        create_tables!(conn);
        let mut anns = anns().acquire(conn).unwrap();
        expire!(conn);
        let bobs = bobs().acquire(conn).unwrap();
        run("DELETE FROM lock_events", conn);
        let told = lost(anns.renew(conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), (Loss::HeldByAnother, Some("bob")));
        bobs.release(conn).unwrap();
    }

    /// Another process, with the token that the holder keeps elsewhere.
    fn the_same_token_is_the_same_holder_in_another_request(conn) {
        create_tables!(conn);
        let token = uuid::Uuid::new_v4();
        let first = anns().token(token).acquire(conn).unwrap();
        let again = anns().token(token).acquire(conn).unwrap();
        assert_eq!(again.fence(), first.fence());
        held(anns().token(uuid::Uuid::new_v4()).acquire(conn).unwrap_err());
        // Who is handed a clone of the request is somebody else.
        held(anns().token(token).clone().acquire(conn).unwrap_err());
        again.release(conn).unwrap();
    }

    fn the_fence_rises_with_every_holder(conn) {
        create_tables!(conn);
        let mut last = 0;
        for _ in 0..3 {
            let lease = anns().acquire(conn).unwrap();
            assert!(lease.fence() > last);
            last = lease.fence();
            lease.release(conn).unwrap();
        }
        let _forgotten = anns().acquire(conn).unwrap();
        expire!(conn);
        let after_expiry = bobs().acquire(conn).unwrap();
        assert_eq!(after_expiry.fence(), last + 2);
        after_expiry.release(conn).unwrap();
        expire_tombstones(conn);
        assert_eq!(lock::purge(MINUTE, conn).unwrap(), 1);
        assert_eq!(lock::inspect("documents", "7", conn).unwrap(), None);
        assert_eq!(anns().acquire(conn).unwrap().fence(), last + 3);
    }

    fn what_has_expired_is_taken_by_the_next_and_the_last_one_learns_by_whom(conn) {
        create_tables!(conn);
        let mut anns = anns().acquire(conn).unwrap();
        expire!(conn);
        let bobs = bobs().acquire(conn).unwrap();
        assert_eq!(bobs.fence(), anns.fence() + 1);
        let told = lost(anns.renew(conn).unwrap_err());
        assert_eq!((told.loss(), told.by(), told.fence()), (Loss::Taken, Some("bob"), 1));
        assert!(told.at().is_some());
        assert!(!anns.is_trusted());
        let told = lost(anns.release(conn).unwrap_err());
        assert_eq!(told.loss(), Loss::Taken);
        assert_eq!(happened("7", conn), [EventKind::Acquired, EventKind::Expired, EventKind::Acquired]);
        bobs.release(conn).unwrap();
    }

    fn a_renewal_moves_the_expiry_and_an_expired_lease_has_none(conn) {
        create_tables!(conn);
        let mut lease = anns().ttl(MINUTE).acquire(conn).unwrap();
        let before = lease.info();
        lease.renew(conn).unwrap();
        lease.renew(conn).unwrap();
        let info = lease.info();
        assert_eq!((info.renewals(), info.fence()), (2, before.fence()));
        assert!(info.expires_at() >= before.expires_at());
        assert!(info.renewed_at() >= Some(info.acquired_at()));
        expire!(conn);
        assert_eq!(lost(lease.renew(conn).unwrap_err()).loss(), Loss::Expired);
    }

    fn nothing_is_held_beyond_its_cap(conn) {
        create_tables!(conn);
        let mut lease = anns().ttl(MINUTE).cap(MINUTE).acquire(conn).unwrap();
        let deadline = lease.info().deadline_at().unwrap();
        lease.renew(conn).unwrap();
        assert!(lease.info().expires_at() <= deadline);
        run("UPDATE locks SET expires_at = 1, deadline_at = 1", conn);
        assert_eq!(lost(lease.renew(conn).unwrap_err()).loss(), Loss::Capped);
    }

    /// Asking again does not help either: it is another grant.
    fn beyond_its_cap_it_is_free_also_to_its_holder(conn) {
        create_tables!(conn);
        let request = anns().ttl(MINUTE).cap(MINUTE);
        let mut capped = request.acquire(conn).unwrap();
        run("UPDATE locks SET expires_at = 1, deadline_at = 1", conn);
        let again = request.acquire(conn).unwrap();
        assert_eq!(again.fence(), capped.fence() + 1);
        assert!(!again.info().is_expired());
        assert_eq!(lost(capped.renew(conn).unwrap_err()).loss(), Loss::Taken);
        again.release(conn).unwrap();
    }

    fn the_history_tells_how_often_what_expired_had_been_renewed(conn) {
        create_tables!(conn);
        let mut lease = anns().acquire(conn).unwrap();
        lease.renew(conn).unwrap();
        lease.renew(conn).unwrap();
        expire!(conn);
        bobs().acquire(conn).unwrap().release(conn).unwrap();
        let history = lock::history("documents", "7", conn).unwrap();
        let told: Vec<_> = history.iter().map(|it| (it.kind(), it.renewals())).collect();
        let expected = [
            (EventKind::Acquired, 0),
            (EventKind::Expired, 2),
            (EventKind::Acquired, 0),
            (EventKind::Released, 0),
        ];
        assert_eq!(told, expected);
    }

    fn without_the_tables_the_cure_is_named(conn) {
        let missing = |error: Error| {
            assert!(matches!(error, Error::LockTablesMissing { .. }), "{error:?}");
            assert!(error.to_string().contains("`noclobber::migrations::run`"), "{error}");
        };
        missing(anns().acquire(conn).unwrap_err());
        missing(lock::inspect("documents", "7", conn).unwrap_err());
        missing(lock::list(&lock::LockFilter::default(), conn).unwrap_err());
        missing(lock::history("documents", "7", conn).unwrap_err());
        missing(lock::purge(MINUTE, conn).unwrap_err());
        assert!(is_outside(conn));
    }

    fn what_makes_no_sense_is_refused_before_anything_is_sent(conn) {
        create_tables!(conn);
        let witness = Witness::of(conn);
        for request in [
            Lock::on("documents", "7"),
            anns().owner("x".repeat(256)),
            anns().note("x".repeat(2001)),
            anns().session(""),
            Lock::on("", "7").owner("ann"),
            Lock::on("documents", "x".repeat(513)).owner("ann"),
            anns().ttl(Duration::ZERO),
            anns().ttl(Duration::MAX),
            anns().cap(Duration::from_millis(1)),
        ] {
            assert!(matches!(request.acquire(conn), Err(Error::InvalidLock(_))), "{request:?}");
        }
        assert!(witness.sent().is_empty());
    }

    fn keys_that_are_almost_alike_are_different_records(conn) {
        create_tables!(conn);
        let keys = ["a", "A", "a%20", "aa", "a,1", "a%2C1", "00000000-0000-0000-0000-000000000001"];
        let leases: Vec<_> =
            keys.map(|key| Lock::on("documents", key).owner("ann").acquire(conn).unwrap()).into();
        let _other_table = Lock::on("Documents", "a").owner("ann").acquire(conn).unwrap();
        assert!(leases.iter().all(|lease| lease.fence() == 1));
        let long = ["x".repeat(512), "x".repeat(511) + "y"];
        let _long = long.map(|key| Lock::on("documents", key).owner("ann").acquire(conn).unwrap());
        assert_eq!(lock::list(&lock::LockFilter::default(), conn).unwrap().len(), keys.len() + 3);
    }

    fn several_are_taken_all_or_none(conn) {
        create_tables!(conn);
        let on = |record: &str| Lock::on("seats", record).owner("ann");
        let others = Lock::on("seats", "2").owner("bob").acquire(conn).unwrap();
        let refused = lock::acquire_all(&[&on("3"), &on("2"), &on("1")], conn).unwrap_err();
        assert_eq!(held(refused).info().record(), "2");
        for free in ["1", "3"] {
            assert_eq!(lock::inspect("seats", free, conn).unwrap(), None);
        }
        others.release(conn).unwrap();
        let leases = lock::acquire_all(&[&on("3"), &on("2"), &on("1"), &anns()], conn).unwrap();
        let places: Vec<_> = leases.iter().map(|it| it.info().record().to_owned()).collect();
        assert_eq!(places, ["7", "1", "2", "3"]);
        lock::release_all(leases, conn).unwrap();
        assert!(lock::list(&lock::LockFilter::default(), conn).unwrap().is_empty());

        let twice = lock::acquire_all(&[&on("1"), &on("2"), &on("1")], conn).unwrap_err();
        assert_eq!(twice.to_string(), "no lease can be taken like this: seats 1 is asked for twice");
        assert!(lock::acquire_all(&[], conn).unwrap().is_empty());
    }

    fn tables_of_other_names_do_as_well(conn) {
        create_tables!(conn);
        conn.batch_execute("ALTER TABLE locks RENAME TO leases").unwrap();
        conn.batch_execute("ALTER TABLE lock_events RENAME TO `lease events`".replace('`', QUOTE).as_str())
            .unwrap();
        let tables = LockTables::named("leases", "lease events");
        let lease = anns().kept_in(tables.clone()).acquire(conn).unwrap();
        assert_eq!(tables.inspect("documents", "7", conn).unwrap().unwrap().owner(), "ann");
        lease.release(conn).unwrap();
        assert_eq!(tables.history("documents", "7", conn).unwrap().len(), 2);
        assert!(matches!(anns().acquire(conn), Err(Error::LockTablesMissing { .. })));
    }

    fn the_token_and_the_session_are_shown_nowhere(conn) {
        create_tables!(conn);
        let request = anns().session("secret session");
        let lease = request.acquire(conn).unwrap();
        use diesel::{QueryDsl, RunQueryDsl};
        let token: Option<String> =
            noclobber::schema::locks::table.select(noclobber::schema::locks::token).first(conn).unwrap();
        let token = token.unwrap();
        for shown in [format!("{request:?}"), format!("{lease:?}"), format!("{:?}", lease.info())] {
            assert!(!shown.contains(&token) && !shown.contains("secret session"), "{shown}");
        }
    }
}

/// What was released a minute ago and more.
fn expire_tombstones(conn: &mut impl SimpleConnection) {
    conn.batch_execute("UPDATE locks SET expires_at = 1 WHERE token IS NULL AND record <> ''")
        .unwrap();
}
