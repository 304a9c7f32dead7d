//! Taking, renewing and giving back.

use std::time::Duration;

use diesel::Connection;
use noclobber::error::Loss;
use noclobber::lock::{Acquire, Held, Proves, StoreLocked};
use noclobber::prelude::*;
use noclobber::retry::Nested;
use noclobber::{Error, Found};

use super::{Draft, draft, first_draft, on_both_storages, run_out, stored};
use crate::leases::{MINUTE, held, lost};
use crate::support::Witness;

/// Knows neither the storage nor the database.
fn publish<C, R>(draft: &Draft, request: &R, conn: &mut C) -> noclobber::Result<Draft>
where
    C: StoreLocked<Draft>,
    R: Acquire<C, Lease: Proves<Draft, C>>,
{
    let mut lease = request.acquire_within(MINUTE, &mut *conn)?;
    assert!(lease.is_trusted());
    lease.renew(conn)?;
    assert_eq!((lease.info().record(), lease.fence()), (draft.id.to_string().as_str(), 1));
    let saved = draft.renamed("published").save_locked(&lease, conn)?;
    lease.release(conn)?;
    Ok(saved)
}

on_both_storages! {
    fn a_record_is_locked_and_its_version_stays(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").ttl(MINUTE).acquire(conn).unwrap();
        assert!(lease.is_trusted());
        for info in [lease.info(), inspect(&draft, conn).unwrap()] {
            assert_eq!((info.entity(), info.record()), ("drafts", draft.id.to_string().as_str()));
            assert_eq!((info.owner(), info.fence()), ("ann", 1));
            assert!(info.expires_in() <= MINUTE && info.expires_in() > MINUTE / 2);
            assert!(!info.is_expired() && !info.is_own_other_session());
            // By the database's clock, which is this machine's in the tests.
            assert!((chrono::Utc::now() - info.acquired_at()).num_seconds().abs() < 5);
        }
        assert_eq!(stored!(draft, conn), Some(draft));
    }

    fn code_that_does_not_care_where_it_is_kept_works(conn) {
        let draft = first_draft!(conn);
        let saved = publish(&draft, &ask(&draft).owner("ann"), conn).unwrap();
        assert_eq!(stored!(draft, conn), Some(saved));
        assert_eq!(inspect(&draft, conn), None);
    }

    fn who_finds_it_locked_is_told_by_whom(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let before = inspect(&draft, conn).unwrap();
        let refused = held(ask(&draft).owner("bob").acquire(conn).unwrap_err());
        assert_eq!((refused.info().owner(), refused.info().fence()), ("ann", 1));
        assert!(!refused.info().is_own_other_session());
        let sentence = format!("drafts {} is locked by ann", draft.id);
        assert!(refused.to_string().starts_with(&sentence), "{refused}");
        let after = inspect(&draft, conn).unwrap();
        assert_eq!((after.fence(), after.expires_at()), (1, before.expires_at()));
        lease.release(conn).unwrap();
        ask(&draft).owner("bob").acquire(conn).unwrap().release(conn).unwrap();
    }

    fn the_owner_elsewhere_is_told_so(conn) {
        let draft = first_draft!(conn);
        let _one = ask(&draft).owner("ann").acquire(conn).unwrap();
        let refused = held(ask_elsewhere(&draft).owner("ann").acquire(conn).unwrap_err());
        assert!(refused.info().is_own_other_session());
        assert!(refused.to_string().contains(" is locked by yourself in another session"), "{refused}");
        let others = held(ask_elsewhere(&draft).owner("bob").acquire(conn).unwrap_err());
        assert!(!others.info().is_own_other_session());
    }

    fn asking_again_after_a_lost_answer_is_the_same_grant(conn) {
        let draft = first_draft!(conn);
        let request = ask(&draft).owner("ann");
        let first = request.acquire(conn).unwrap();
        let again = request.acquire(conn).unwrap();
        assert_eq!((first.fence(), again.fence()), (1, 1));
        draft.clone().save_locked(&first, conn).unwrap();
        again.release(conn).unwrap();
    }

    /// To regain it is for a write, which compares the version.
    fn asking_again_for_what_has_expired_is_a_new_grant(conn) {
        let draft = first_draft!(conn);
        let request = ask(&draft).owner("ann");
        let mut first = request.acquire(conn).unwrap();
        run_out!(conn);
        let again = request.acquire(conn).unwrap();
        assert_eq!(again.fence(), first.fence() + 1);
        assert_eq!(lost(draft.clone().save_locked(&first, conn).unwrap_err()).loss(), TAKEN);
        assert_eq!(lost(first.renew(conn).unwrap_err()).loss(), TAKEN);
        again.release(conn).unwrap();
    }

    fn the_fence_rises_with_every_holder(conn) {
        let draft = first_draft!(conn);
        for fence in 1..4 {
            let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
            assert_eq!(lease.fence(), fence);
            lease.release(conn).unwrap();
        }
        let _forgotten = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        assert!(inspect(&draft, conn).unwrap().is_expired());
        assert_eq!(ask(&draft).owner("bob").acquire(conn).unwrap().fence(), 5);
    }

    fn what_has_expired_is_taken_by_the_next_and_the_last_one_learns_by_whom(conn) {
        let draft = first_draft!(conn);
        let mut anns = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        let bobs = ask(&draft).owner("bob").acquire(conn).unwrap();
        let told = lost(anns.renew(conn).unwrap_err());
        assert_eq!((told.loss(), told.by(), told.fence()), (TAKEN, Some("bob"), 1));
        assert!(told.to_string().contains("somebody else took it (by bob"), "{told}");
        assert!(!anns.is_trusted());
        assert_eq!(lost(anns.release(conn).unwrap_err()).loss(), TAKEN);
        assert_eq!(inspect(&draft, conn).unwrap().owner(), "bob");
        bobs.release(conn).unwrap();
    }

    fn a_wait_ends_when_it_is_to_be_had(conn) {
        let draft = first_draft!(conn);
        let short = Duration::from_millis(100);
        let anns = ask(&draft).owner("ann").ttl(short).acquire(conn).unwrap();
        let bobs = ask(&draft).owner("bob");
        match bobs.acquire(conn) {
            Err(error) => drop(held(error)),
            // The machine stood still until the lease had expired.
            Ok(lease) => return assert!(lease.info().acquired_at() >= anns.info().expires_at()),
        }
        let bobs = bobs.acquire_within(MINUTE, &mut *conn).unwrap();
        assert_eq!(bobs.fence(), 2);
        let told = ask(&draft).owner("eve").acquire_within(short, &mut *conn).unwrap_err();
        assert_eq!(held(told).info().owner(), "bob");
        bobs.release(conn).unwrap();
    }

    fn a_renewal_moves_the_expiry_and_an_expired_lease_has_none(conn) {
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").ttl(MINUTE).acquire(conn).unwrap();
        let before = lease.info();
        std::thread::sleep(Duration::from_millis(5));
        lease.renew(conn).unwrap();
        let info = lease.info();
        assert_eq!(info.fence(), before.fence());
        assert!(info.expires_at() > before.expires_at());
        assert_eq!(inspect(&draft, conn).unwrap().expires_at(), info.expires_at());
        run_out!(conn);
        assert_eq!(lost(lease.renew(conn).unwrap_err()).loss(), Loss::Expired);
        assert!(inspect(&draft, conn).unwrap().is_expired());
    }

    fn a_lease_is_given_back_once(conn) {
        let draft = first_draft!(conn);
        let request = ask(&draft).owner("ann");
        let (one, twin) = (request.acquire(conn).unwrap(), request.acquire(conn).unwrap());
        one.release(conn).unwrap();
        assert_eq!(inspect(&draft, conn), None);
        assert_eq!(lost(draft.clone().save_locked(&twin, conn).unwrap_err()).loss(), Loss::Released);
        assert_eq!(lost(twin.release(conn).unwrap_err()).loss(), Loss::Released);
    }

    fn a_stale_copy_is_refused_and_nothing_is_locked(conn) {
        let stale = first_draft!(conn);
        let fresh = stale.clone().touch(conn).unwrap();
        let error = ask(&stale).owner("ann").refuse_if_stale().acquire(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
        assert_eq!(inspect(&stale, conn), None);
        let anns = ask(&fresh).owner("ann").refuse_if_stale().acquire(conn).unwrap();
        // Who is stale and finds it locked is told of the lock.
        held(ask(&stale).owner("bob").refuse_if_stale().acquire(conn).unwrap_err());
        anns.release(conn).unwrap();
        // Who does not ask for it may have one.
        ask(&stale).owner("ann").acquire(conn).unwrap().release(conn).unwrap();
    }

    fn inside_a_transaction_it_is_refused_unless_allowed(conn) {
        let draft = first_draft!(conn);
        let other = draft!("other", conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let twin = ask(&other).owner("ann").acquire(conn).unwrap();
        let mut twin = Some(twin);
        conn.test_transaction(|conn| {
            let refused = ask(&other).owner("bob").acquire(conn);
            assert!(matches!(refused, Err(Error::LockInTransaction)));
            assert!(matches!(lease.renew(conn), Err(Error::LockInTransaction)));
            let refused = twin.take().unwrap().release(conn);
            assert!(matches!(refused, Err(Error::LockInTransaction)));
            run(EXPIRE, conn);
            let nested = ask(&other).owner("bob").nested(Nested::RunOnce);
            let mut nested = nested.acquire(conn)?;
            nested.renew(conn)?;
            nested.release(conn)?;
            Ok::<_, Error>(())
        });
        assert_eq!(inspect(&other, conn).unwrap().owner(), "ann");
        lease.release(conn).unwrap();
    }

    fn what_makes_no_sense_is_refused_before_anything_is_sent(conn) {
        let draft = first_draft!(conn);
        let witness = Witness::of(conn);
        let anns = || ask(&draft).owner("ann");
        let requests: [Asked<'_>; 5] = [
            ask(&draft),
            anns().owner("x".repeat(256)),
            anns().owner("ann\0"),
            anns().ttl(Duration::ZERO),
            anns().ttl(Duration::MAX),
        ];
        for request in requests {
            assert!(matches!(request.acquire(conn), Err(Error::InvalidLock(_))), "{request:?}");
        }
        assert!(witness.sent().is_empty());
    }

    fn the_token_is_shown_nowhere(conn) {
        let draft = first_draft!(conn);
        let request = ask(&draft).owner("ann");
        let lease = request.acquire(conn).unwrap();
        let tokens = texts(TOKEN, conn);
        assert_eq!(tokens.len(), 1);
        for shown in [format!("{request:?}"), format!("{lease:?}"), format!("{:?}", lease.info())] {
            assert!(shown.contains("ann") && !shown.contains(&tokens[0]), "{shown}");
        }
    }
}
