//! Writes that prove their lease.

use std::sync::Arc;

use diesel::ExpressionMethods;
use noclobber::error::Loss;
use noclobber::lock::{LockInfo, Override};
use noclobber::prelude::*;
use noclobber::{Error, Found, transaction};

use super::{Draft, draft, drafts, first_draft, on_both_storages, run_out, stored};
use crate::leases::lost;

on_both_storages! {
    fn a_holder_writes(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let saved = draft.renamed("saved").save_locked(&lease, conn).unwrap();
        assert_eq!(saved.version, 2);
        assert_eq!(stored!(draft, conn), Some(saved.clone()));
        let patched = drafts::title.eq("patched");
        assert_eq!(Draft::patch_locked(saved.id, 2, patched, &lease, conn).unwrap(), 3);
        let current = saved.reload(conn).unwrap();
        assert_eq!((current.title.as_str(), current.version), ("patched", 3));
        assert_eq!(inspect(&draft, conn).unwrap().expires_at(), lease.info().expires_at());
        current.delete_locked(&lease, conn).unwrap();
        assert_eq!(stored!(draft, conn), None);
        lease.release(conn).unwrap();
    }

    fn what_points_to_a_lease_proves_it(conn) {
        let draft = first_draft!(conn);
        let lease = Arc::new(ask(&draft).owner("ann").acquire(conn).unwrap());
        let saved = draft.renamed("saved").save_locked(&lease, conn).unwrap();
        let patched = drafts::title.eq("patched");
        Draft::patch_locked(draft.id, 2, patched, &lease, conn).unwrap();
        saved.reload(conn).unwrap().delete_locked(&lease, conn).unwrap();
    }

    fn a_holder_with_a_stale_copy_is_refused(conn) {
        let stale = first_draft!(conn);
        let lease = ask(&stale).owner("ann").acquire(conn).unwrap();
        // Who takes no lease is not kept out.
        let theirs = stale.renamed("theirs").save(conn).unwrap();
        let found = |error: Error| error.conflict().unwrap().found().clone();
        let other = Found::Version("2".into());
        assert_eq!(found(stale.renamed("mine").save_locked(&lease, conn).unwrap_err()), other);
        assert_eq!(found(stale.clone().delete_locked(&lease, conn).unwrap_err()), other);
        let patch = Draft::patch_locked(stale.id, 1, drafts::title.eq("x"), &lease, conn);
        assert_eq!(found(patch.unwrap_err()), other);
        assert_eq!(stored!(stale, conn), Some(theirs.clone()));
        theirs.clone().delete(conn).unwrap();
        assert_eq!(found(theirs.save_locked(&lease, conn).unwrap_err()), Found::Deleted);
        lease.release(conn).unwrap();
    }

    /// Although the version would have matched.
    fn who_has_lost_the_lease_writes_nothing_and_learns_why(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        let thief = Override::by("root").because("she has left").allowed_to(|_: &str, _: &LockInfo| true);
        let stolen = steal(&thief, &draft, &seen, conn).unwrap();

        let told = lost(draft.renamed("zombie").save_locked(&lease, conn).unwrap_err());
        assert_eq!((told.loss(), told.by(), told.reason()), (STOLEN, Some("root"), WHY));
        lost(draft.clone().delete_locked(&lease, conn).unwrap_err());
        let patch = Draft::patch_locked(draft.id, 1, drafts::title.eq("x"), &lease, conn);
        lost(patch.unwrap_err());
        assert_eq!(stored!(draft, conn), Some(draft.clone()));
        draft.renamed("thief's").save_locked(&stolen, conn).unwrap();
        stolen.release(conn).unwrap();
    }

    fn a_zombie_is_refused_after_somebody_took_what_had_expired(conn) {
        let draft = first_draft!(conn);
        let zombie = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        let taken = ask(&draft).owner("bob").acquire(conn).unwrap();
        let told = lost(draft.renamed("zombie").save_locked(&zombie, conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), (TAKEN, Some("bob")));
        taken.release(conn).unwrap();
        // Also when nobody holds it any more.
        let told = lost(draft.renamed("zombie").save_locked(&zombie, conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), TAKEN_AND_LEFT);
        assert_eq!(stored!(draft, conn), Some(draft));
    }

    fn an_expired_lease_that_nobody_took_is_regained_by_the_write(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        let saved = draft.renamed("late").save_locked(&lease, conn).unwrap();
        assert_eq!(stored!(draft, conn), Some(saved.clone()));
        let now = inspect(&draft, conn).unwrap();
        assert!(!now.is_expired());
        assert_eq!(now.fence(), lease.fence());
        run_out!(conn);
        let patched = drafts::title.eq("patched");
        Draft::patch_locked(draft.id, 2, patched, &lease, conn).unwrap();
        assert!(!inspect(&draft, conn).unwrap().is_expired());
        run_out!(conn);
        saved.reload(conn).unwrap().delete_locked(&lease, conn).unwrap();
        lease.release(conn).unwrap();
    }

    fn it_is_not_regained_when_the_record_has_changed(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        draft.clone().touch(conn).unwrap();
        assert!(draft.renamed("late").save_locked(&lease, conn).unwrap_err().is_conflict());
        assert!(inspect(&draft, conn).unwrap().is_expired());
    }

    /// Somebody else has written without a lease, and the holder has loaded that: it is another version than
    /// the one that was locked, or that the holder has written.
    fn it_is_not_regained_for_a_version_that_was_loaded_later(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let mut version = draft.renamed("mine").save_locked(&lease, conn).unwrap().version;
        for _ in 0..2 {
            let theirs = Draft::find(draft.id, conn).unwrap().touch(conn).unwrap();
            run_out!(conn);
            let told = lost(theirs.renamed("late").save_locked(&lease, conn).unwrap_err());
            assert_eq!((told.loss(), told.by()), (Loss::Expired, None));
            lost(theirs.clone().delete_locked(&lease, conn).unwrap_err());
            let patch = drafts::title.eq("late");
            let patched = Draft::patch_locked(theirs.id, theirs.version, patch, &lease, conn);
            lost(patched.unwrap_err());
            assert_eq!(stored!(draft, conn), Some(theirs.clone()));
            assert!(!lease.is_trusted());
            // As long as it lasts, it is any version that is there.
            run(GO_ON, conn);
            let patch = drafts::title.eq("in time");
            let patched = Draft::patch_locked(theirs.id, theirs.version, patch, &lease, conn);
            assert_eq!(patched.unwrap(), version + 2);
            version += 2;
        }
        // And the one that the holder has left behind is known.
        run_out!(conn);
        Draft::find(draft.id, conn).unwrap().save_locked(&lease, conn).unwrap();
        assert!(!inspect(&draft, conn).unwrap().is_expired());
    }

    fn the_lease_of_another_record_proves_nothing(conn) {
        let one = first_draft!(conn);
        let other = draft!("other", conn);
        let lease = ask(&other).owner("ann").acquire(conn).unwrap();
        let sentence = format!(
            "no lease can be taken like this: the lease is on drafts {}, and not on drafts {}",
            other.id, one.id
        );
        let refused = |error: Error| assert_eq!(error.to_string(), sentence);
        refused(one.clone().save_locked(&lease, conn).unwrap_err());
        refused(one.clone().delete_locked(&lease, conn).unwrap_err());
        let patch = Draft::patch_locked(one.id, 1, drafts::title.eq("x"), &lease, conn);
        refused(patch.unwrap_err());
        assert_eq!(stored!(one, conn), Some(one));
    }

    fn inside_a_transaction_it_is_rolled_back_with_it(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let rolled_back = transaction(conn, |conn| {
            let saved = draft.renamed("never").save_locked(&lease, conn)?;
            saved.save_locked(&lease, conn)?;
            Err::<(), _>(Error::NotCreated { table: "roll back" })
        });
        assert!(matches!(rolled_back, Err(Error::NotCreated { .. })));
        assert_eq!(stored!(draft, conn), Some(draft.clone()));
        draft.save_locked(&lease, conn).unwrap();
    }

    /// Nor does its handle take it for one.
    fn a_regain_that_is_rolled_back_is_none(conn) {
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        lost(lease.renew(conn).unwrap_err());
        let rolled_back = transaction(conn, |conn| {
            draft.clone().save_locked(&lease, conn)?;
            assert!(!inspect(&draft, conn).unwrap().is_expired());
            Err::<(), _>(Error::NotCreated { table: "roll back" })
        });
        assert!(matches!(rolled_back, Err(Error::NotCreated { .. })));
        assert!(inspect(&draft, conn).unwrap().is_expired());
        assert!(!lease.is_trusted());
    }

    fn locking_renewing_and_releasing_change_nothing_that_the_model_reads(conn) {
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        lease.renew(conn).unwrap();
        lease.release(conn).unwrap();
        assert_eq!(stored!(draft, conn), Some(draft));
    }
}
