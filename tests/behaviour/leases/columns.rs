//! What is particular about leases in columns of the record.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::error::Loss;
use noclobber::lock::{self, Keeper, LockInfo, LockTables, Override};
use noclobber::prelude::*;
use noclobber::retry::Nested;
use noclobber::{Error, Result, transaction};

use super::both::{Draft, draft, drafts, first_draft, stored};
use super::{SOON, is_passing, lost, wait_until};
use crate::support::{Witness, on_every_database, on_every_shared_database};

/// What a witness has seen, with one word for the clock and without the question whether it runs.
fn sent(witness: &Witness) -> Vec<String> {
    let sent = witness.sent();
    let clock =
        sent.iter().find_map(|sql| sql.split_once("locked_until > ")?.1.split_once(" THEN"));
    let clock = clock.map(|(clock, _)| clock.to_owned()).unwrap_or_default();
    let asks = |sql: &&String| sql.starts_with("SELECT SYSDATE") || sql.starts_with("SELECT SLEEP");
    let told =
        |sql: &String| if clock.is_empty() { sql.clone() } else { sql.replace(&clock, "NOW") };
    sent.iter().filter(|sql| !asks(sql)).map(told).collect()
}

fn root() -> Override<impl lock::LockPolicy> {
    Override::by("root").because("urgent").allowed_to(|_: &str, _: &LockInfo| true)
}

/// A model that declares less than the key.
#[derive(Debug, Clone, HasQuery, Versioned)]
#[diesel(table_name = drafts, primary_key(title))]
#[versioned(lock_columns)]
struct Loose {
    title: String,
    version: i64,
}

const PROOF: &str = r#" WHERE "id" = ? AND "version" = ? AND lock_token = ? AND lock_fence = ?"#;
const REGAIN: &str =
    "locked_until = CASE WHEN locked_until > NOW THEN locked_until ELSE NOW + ? END";

on_every_database! {
    fn to_acquire_is_one_update_between_two_looks(conn) {
        let draft = first_draft!(conn);
        let witness = Witness::of(conn);
        let mut lease = draft.lock_in_columns().owner("ann").refuse_if_stale().acquire(conn).unwrap();
        let update = r#"UPDATE "drafts" SET lock_fence = CASE WHEN lock_token = ? AND locked_until > NOW
            THEN lock_fence ELSE lock_fence + 1 END, locked_by = ?, locked_until = NOW + ?, lock_token = ?
            WHERE "id" = ? AND "version" = ? AND (lock_token IS NULL OR lock_token = ? OR locked_until
            IS NULL OR locked_until <= NOW)"#;
        let look = r#"SELECT lock_fence, lock_token, locked_by, locked_until, NOW FROM "drafts"
            WHERE "id" = ?"#;
        let one_line = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let look = one_line(look);
        assert_eq!(sent(&witness), [look.clone(), one_line(update), look]);
        // Who is refused has looked.
        crate::leases::held(draft.lock_in_columns().owner("bob").acquire(conn).map(drop).unwrap_err());
        let looked = sent(&witness);
        assert!(looked.len() == 1 && looked[0].starts_with("SELECT lock_fence"), "{looked:?}");
        lease.renew(conn).unwrap();
        // In a transaction: the row is taken at once, or not at all.
        let renewal = witness.sent();
        let of_record = |word| renewal.iter().filter(move |sql| sql.starts_with(word)).count();
        assert_eq!((of_record("SELECT lock_fence"), of_record("UPDATE")), (2, 1), "{renewal:?}");
        assert!(renewal.iter().any(|sql| sql.starts_with("SELECT") && sql.ends_with(AT_ONCE)));
        lease.release(conn).unwrap();
        let release = "UPDATE \"drafts\" SET locked_by = NULL, locked_until = NULL, lock_token = NULL \
                       WHERE \"id\" = ? AND lock_token = ? AND lock_fence = ?";
        assert_eq!(sent(&witness), [release]);
    }

    fn a_guarded_write_is_one_statement(conn) {
        let draft = first_draft!(conn);
        let lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let witness = Witness::of(conn);
        let saved = draft.save_locked(&lease, conn).unwrap();
        let save = format!(r#"UPDATE "drafts" SET "title" = ?, "version" = "version" + 1, {REGAIN}{PROOF}"#);
        assert_eq!(sent(&witness), [save]);
        let title = drafts::title.eq("patched");
        Draft::patch_locked(saved.id, saved.version, title, &lease, conn).unwrap();
        let patch = format!(r#"UPDATE "drafts" SET "title" = ?, "version" = ?, {REGAIN}{PROOF}"#);
        assert_eq!(sent(&witness), [patch]);
        witness.cached();
        let current = saved.reload(conn).unwrap().save_locked(&lease, conn).unwrap();
        assert!(witness.cached().iter().all(|sql| !sql.starts_with("UPDATE")), "prepared once");
        witness.sent();
        current.delete_locked(&lease, conn).unwrap();
        assert_eq!(sent(&witness), [format!(r#"DELETE FROM "drafts"{PROOF}"#)]);
    }

    /// Nor for a version of which the holder does not know how it came about.
    fn a_guarded_write_of_another_version_regains_nothing(conn) {
        let draft = first_draft!(conn);
        let lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let theirs = draft.touch(conn).unwrap();
        let witness = Witness::of(conn);
        let sent = || -> Vec<String> {
            let sent = witness.sent();
            sent.iter().map(|sql| sql.split_once(" AND locked_until > ").unwrap().0.to_owned()).collect()
        };
        let saved = theirs.save_locked(&lease, conn).unwrap();
        let save = format!(r#"UPDATE "drafts" SET "title" = ?, "version" = "version" + 1{PROOF}"#);
        assert_eq!(sent(), [save]);
        let theirs = saved.touch(conn).unwrap();
        witness.sent();
        let title = drafts::title.eq("patched");
        Draft::patch_locked(theirs.id, theirs.version, title, &lease, conn).unwrap();
        assert_eq!(sent(), [format!(r#"UPDATE "drafts" SET "title" = ?, "version" = ?{PROOF}"#)]);
        let theirs = theirs.reload(conn).unwrap().touch(conn).unwrap();
        witness.sent();
        theirs.delete_locked(&lease, conn).unwrap();
        assert_eq!(sent(), [format!(r#"DELETE FROM "drafts"{PROOF}"#)]);
    }

    fn only_what_is_there_can_be_locked(conn) {
        let draft = first_draft!(conn);
        let mut lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        draft.clone().delete(conn).unwrap();
        let missing = draft.lock_in_columns().owner("bob").acquire(conn).unwrap_err();
        assert_eq!(missing.to_string(), format!("drafts {} does not exist", draft.id));
        assert!(missing.is_not_found());
        assert_eq!(Draft::inspect_columns(draft.id, conn).unwrap(), None);
        assert_eq!(lost(lease.renew(conn).unwrap_err()).loss(), Loss::Unknown);
        // With the record the lease has gone: there is nothing to give back.
        lease.release(conn).unwrap();
    }

    fn the_fence_goes_with_the_row_and_the_token_does_not_return(conn) {
        let draft = first_draft!(conn);
        let anns = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        draft.clone().delete(conn).unwrap();
        run(&format!("INSERT INTO drafts (id, title) VALUES ({}, 'new')", draft.id), conn);
        let bobs = draft.lock_in_columns().owner("bob").acquire(conn).unwrap();
        assert_eq!((anns.fence(), bobs.fence()), (1, 1));
        let told = lost(draft.clone().save_locked(&anns, conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), (Loss::HeldByAnother, Some("bob")));
        bobs.release(conn).unwrap();
    }

    fn what_never_expires_was_not_written_here_and_is_free(conn) {
        let draft = first_draft!(conn);
        run("UPDATE drafts SET lock_token = 'by hand', locked_by = 'eve'", conn);
        assert!(Draft::inspect_columns(draft.id, conn).unwrap().unwrap().is_expired());
        let lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        assert_eq!(lease.fence(), 1);
        run("UPDATE drafts SET locked_until = NULL", conn);
        let id = draft.id;
        draft.save_locked(&lease, conn).unwrap();
        assert!(!Draft::inspect_columns(id, conn).unwrap().unwrap().is_expired());
        lease.release(conn).unwrap();
    }

    fn a_break_is_not_taken_for_a_release(conn) {
        let draft = first_draft!(conn);
        let lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let seen = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
        root().break_in_columns(&draft, &seen, conn).unwrap();
        let told = lost(lease.release(conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), (Loss::Unknown, None));
        let sentence = format!("the lock of drafts {} was lost: nothing is left of it", draft.id);
        assert_eq!(told.to_string(), sentence);
    }

    fn an_override_is_of_the_storage_that_was_seen(conn) {
        let draft = first_draft!(conn);
        let other = draft!("other", conn);
        let mut in_table = draft.lock().owner("ann").acquire(conn).unwrap();
        let mut in_columns = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let invalid = |answer: Result<()>| assert!(matches!(answer, Err(Error::InvalidLock(_))), "{answer:?}");
        let seen = lock::inspect("drafts", &draft.id.to_string(), conn).unwrap().unwrap();
        invalid(root().break_in_columns(&draft, &seen, conn));
        invalid(root().steal_in_columns(&draft, &seen, conn).map(drop));
        let seen = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
        invalid(root().break_lock(&seen, conn));
        invalid(root().steal(&seen, conn).map(drop));
        invalid(root().break_in_columns(&other, &seen, conn));
        invalid(root().session("two").break_in_columns(&draft, &seen, conn));
        let leases = LockTables::named("leases", "lease_events");
        invalid(root().kept_in(leases).steal_in_columns(&draft, &seen, conn).map(drop));
        invalid(root().ttl(Duration::ZERO).steal_in_columns(&draft, &seen, conn).map(drop));
        in_table.renew(conn).unwrap();
        in_columns.renew(conn).unwrap();
    }

    fn an_override_inside_a_transaction_is_refused_unless_allowed(conn) {
        let draft = first_draft!(conn);
        let _lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let seen = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
        conn.test_transaction(|conn| {
            let refused = root().break_in_columns(&draft, &seen, conn);
            assert!(matches!(refused, Err(Error::LockInTransaction)));
            root().nested(Nested::RunOnce).break_in_columns(&draft, &seen, conn)
        });
        assert_eq!(Draft::inspect_columns(draft.id, conn).unwrap().unwrap().owner(), "ann");
    }

    fn a_key_that_names_several_records_is_told(conn) {
        let draft = first_draft!(conn);
        draft!("draft", conn);
        let loose = Loose { title: draft.title, version: 1 };
        let error = loose.lock_in_columns().owner("ann").acquire(conn).unwrap_err();
        assert!(matches!(error, Error::KeyNotUnique { rows: 2, .. }), "{error:?}");
    }
}

on_every_shared_database! {
    fn a_keeper_renews_it_and_tells_of_its_loss(place) {
        let conn = &mut place.connect();
        let draft = first_draft!(conn);
        let lease = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let first = lease.info().expires_at();
        let (tell, told) = mpsc::channel();
        let keeping = Keeper::of_columns(&lease).every(Duration::from_millis(20));
        let keeper = keeping.start(place.connect(), move |lost| tell.send(lost).unwrap()).unwrap();
        wait_until("it is renewed", || {
            let seen = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
            seen.expires_at() > first
        });
        assert!(lease.is_trusted());

        let seen = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
        let stolen = root().steal_in_columns(&draft, &seen, conn).unwrap();
        let lost = told.recv_timeout(SOON).unwrap();
        assert_eq!((lost.loss(), lost.by()), (Loss::HeldByAnother, Some("root")));
        assert!(!lease.is_trusted());
        assert!(told.recv_timeout(SOON).is_err(), "it was told twice");
        keeper.stop();
        stolen.release(conn).unwrap();

        let short = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        // Whoever stops it inside a transaction that has written the record does not wait for it for ever.
        let keeping = Keeper::of_columns(&short).every(Duration::from_millis(20));
        let keeper = keeping.start(place.connect(), |_| ()).unwrap();
        let stopped = transaction(conn, |conn| {
            let saved = draft.reload(conn)?.save_locked(&short, conn)?;
            thread::sleep(Duration::from_millis(100));
            keeper.stop();
            Ok::<_, Error>(saved)
        });
        assert_eq!(stopped.unwrap().version, 2);
        let seldom = Keeper::of_columns(&short).every(Duration::from_secs(200));
        assert!(matches!(seldom.start(place.connect(), |_| ()), Err(Error::InvalidLock(_))));
        short.release(conn).unwrap();
    }

    /// PostgreSQL tells the time before it waits for a row that is locked and not changed.
    fn who_waited_longer_than_the_lease_lasts_has_one_that_lasts(place) {
        let conn = &mut place.connect();
        let draft = first_draft!(conn);
        let holder = &mut place.connect();
        run(BEGIN, holder);
        run("UPDATE drafts SET title = title", holder);
        thread::scope(|scope| {
            let asker = scope.spawn(|| {
                let asker = &mut place.connect();
                let request = draft.lock_in_columns().owner("ann").ttl(Duration::from_millis(300));
                request.acquire(asker).map(|lease| lease.info().is_expired())
            });
            thread::sleep(Duration::from_millis(600));
            // Nothing was changed in the end.
            run("ROLLBACK", holder);
            assert!(!asker.join().unwrap().unwrap());
        });
    }

    fn a_thief_who_waited_longer_than_the_lease_lasts_has_one_that_lasts(place) {
        let conn = &mut place.connect();
        let draft = first_draft!(conn);
        let _anns = draft.lock_in_columns().owner("ann").acquire(conn).unwrap();
        let seen = Draft::inspect_columns(draft.id, conn).unwrap().unwrap();
        let holder = &mut place.connect();
        run(BEGIN, holder);
        run("UPDATE drafts SET title = title", holder);
        thread::scope(|scope| {
            let thief = scope.spawn(|| {
                let thief = &mut place.connect();
                let steal = root().ttl(Duration::from_millis(300));
                let stolen = steal.steal_in_columns(&draft, &seen, thief);
                stolen.map(|lease| lease.info().is_expired())
            });
            thread::sleep(Duration::from_millis(600));
            // Nothing was changed in the end.
            run("ROLLBACK", holder);
            assert!(!thief.join().unwrap().unwrap());
        });
    }

    fn under_the_lease_nothing_is_lost_and_no_fence_is_given_twice(place) {
        let draft = first_draft!(&mut place.connect());
        let count_fifteen_times = || -> Vec<i64> {
            let conn = &mut place.connect();
            let count = |_| loop {
                let lease = match draft.lock_in_columns().owner("x").acquire(conn) {
                    Ok(lease) => lease,
                    Err(error) => {
                        assert!(matches!(error, Error::LockHeld(_)) || is_passing(&error), "{error:?}");
                        thread::sleep(Duration::from_millis(1));
                        continue;
                    }
                };
                let current = draft.reload(conn).unwrap();
                current.save_locked(&lease, conn).unwrap();
                let fence = lease.fence();
                lease.release(conn).unwrap();
                break fence;
            };
            (0..15).map(count).collect()
        };
        let fences: BTreeSet<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count_fifteen_times)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(fences, (1..=60).collect());
        assert_eq!(stored!(draft, &mut place.connect()).unwrap().version, 61);
    }

    fn a_write_that_waited_for_a_thief_is_refused(place) {
        let (one, other) = (&mut place.connect(), &mut place.connect());
        let draft = first_draft!(one);
        let lease = draft.lock_in_columns().owner("ann").acquire(one).unwrap();
        let seen = Draft::inspect_columns(draft.id, one).unwrap().unwrap();
        let told = thread::scope(|scope| {
            let (draft, lease) = (&draft, &lease);
            let writer = transaction(one, |one| -> Result<_> {
                let _stolen = root().nested(Nested::RunOnce).steal_in_columns(draft, &seen, one)?;
                let writer = scope.spawn(move || draft.clone().save_locked(lease, other));
                thread::sleep(Duration::from_millis(200));
                assert!(!writer.is_finished());
                Ok(writer)
            });
            lost(writer.unwrap().join().unwrap().unwrap_err())
        });
        assert_eq!((told.loss(), told.by()), (Loss::HeldByAnother, Some("root")));
        assert_eq!(stored!(draft, one), Some(draft));
    }
}

/// The tests of one body on both servers, at every isolation level.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! at_every_level {
    ($($(#[$documentation:meta])* fn $name:ident($place:ident, $connect:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            at_every_level!(@ "postgres" postgres $place $connect $body);
            at_every_level!(@ "mysql" mysql $place $connect $body);
        }
    )*};
    (@ $feature:literal $server:ident $place:ident $connect:ident $body:block) => {
        #[cfg(feature = $feature)]
        mod $server {
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use super::super::*;
            #[allow(unused_imports, reason = "not every body needs what stands around it")]
            use crate::support::$server::*;

            fn body($place: &Shared, $connect: &(dyn Fn() -> Conn + Sync)) $body

            #[test]
            fn server() {
                for level in isolations(&mut Shared::new().connect()) {
                    let place = Shared::new();
                    body(&place, &|| {
                        let mut conn = place.connect();
                        run(&level.set, &mut conn);
                        conn
                    });
                }
            }
        }
    };
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
at_every_level! {
    /// Where the database refuses who waited with an error, it is asked again who was faster.
    fn who_waited_for_somebody_else_is_told_who_holds_it(place, connect) {
        let draft = first_draft!(&mut place.connect());
        let (one, other) = (&mut connect(), &mut connect());
        let refused = thread::scope(|scope| {
            let draft = &draft;
            let late = transaction(one, |one| -> Result<_> {
                let anns = draft.lock_in_columns().owner("ann").nested(Nested::RunOnce);
                let _anns = anns.acquire(one)?;
                let late = scope.spawn(move || draft.lock_in_columns().owner("bob").acquire(other));
                thread::sleep(Duration::from_millis(200));
                assert!(!late.is_finished());
                Ok(late)
            });
            crate::leases::held(late.unwrap().join().unwrap().unwrap_err())
        });
        assert_eq!(refused.info().owner(), "ann");
    }

    /// Also where the transaction goes on seeing the past.
    fn who_has_lost_it_since_the_transaction_began_is_told_so(place, connect) {
        let draft = first_draft!(&mut place.connect());
        let (one, other) = (&mut connect(), &mut place.connect());
        // At the highest level of MySQL, what was read is held.
        run(SHORT_LOCK_WAIT, other);
        let lease = draft.lock_in_columns().owner("ann").acquire(one).unwrap();
        let error = transaction(one, |one| {
            draft.reload(one)?;
            let seen = Draft::inspect_columns(draft.id, other)?.unwrap();
            let _stolen = root().steal_in_columns(&draft, &seen, other)?;
            draft.clone().save_locked(&lease, one)
        });
        match error.unwrap_err() {
            Error::LockLost(lost) => assert_eq!(lost.by(), Some("root")),
            // The database has ended it.
            error => assert!(error.is_retryable(), "{error:?}"),
        }
        assert_eq!(stored!(draft, other), Some(draft));
    }
}
