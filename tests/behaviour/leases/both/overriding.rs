//! Ending somebody else's lease.

use noclobber::Error;
use noclobber::error::OverrideRefused;
use noclobber::lock::{self, EventKind, LockInfo, Override};
use noclobber::prelude::*;

use super::{first_draft, on_both_storages, run_out};
use crate::leases::lost;

fn root() -> Override<impl lock::LockPolicy> {
    Override::by("root").allowed_to(|actor: &str, _: &LockInfo| actor == "root")
}

fn refused(error: Error) -> OverrideRefused {
    match error {
        Error::OverrideRefused(refused) => refused,
        error => panic!("{error:?}"),
    }
}

on_both_storages! {
    fn a_broken_lease_is_free_and_its_holder_learns_that_it_is_gone(conn) {
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        end(&root().because("left open"), &draft, &seen, conn).unwrap();
        assert_eq!(inspect(&draft, conn), None);
        let told = lost(lease.renew(conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), BROKEN);
        lost(draft.clone().save_locked(&lease, conn).unwrap_err());
        let bobs = ask(&draft).owner("bob").acquire(conn).unwrap();
        assert!(bobs.fence() > lease.fence());
    }

    fn a_stolen_lease_is_the_thiefs_with_a_larger_fence(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        let mut stolen = steal(&root().because("urgent"), &draft, &seen, conn).unwrap();
        assert_eq!((stolen.info().owner(), stolen.fence()), ("root", lease.fence() + 1));
        assert!(stolen.is_trusted());
        stolen.renew(conn).unwrap();
        assert_eq!(inspect(&draft, conn).unwrap().owner(), "root");
        let told = lost(lease.release(conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), (STOLEN, Some("root")));
        stolen.release(conn).unwrap();
    }

    fn a_steal_whose_answer_was_lost_is_the_same_grant_when_it_is_sent_again(conn) {
        let draft = first_draft!(conn);
        let _anns = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        let by = root().because("urgent");
        let first = steal(&by, &draft, &seen, conn).unwrap();
        let again = steal(&by, &draft, &seen, conn).unwrap();
        assert_eq!(again.fence(), first.fence());
        if let Some(history) = history(&draft, conn) {
            use EventKind::{Acquired, Stolen};
            assert_eq!(history, [(Acquired, 1), (Stolen, 1), (Acquired, 2)]);
        }
        // Somebody else's is another one.
        let by = root().because("urgent");
        assert!(!refused(steal(&by, &draft, &seen, conn).map(drop).unwrap_err()).is_denied());
        again.release(conn).unwrap();
    }

    /// What is ended is what the person saw.
    fn a_lease_that_has_changed_hands_is_not_ended(conn) {
        let draft = first_draft!(conn);
        let _anns = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        end(&root().because("old"), &draft, &seen, conn).unwrap();

        let gone = refused(end(&root().because("old"), &draft, &seen, conn).unwrap_err());
        assert!(!gone.is_denied());
        assert_eq!(gone.now(), None);
        refused(steal(&root().because("old"), &draft, &seen, conn).map(drop).unwrap_err());

        let mut bobs = ask(&draft).owner("bob").acquire(conn).unwrap();
        let others = refused(steal(&root().because("old"), &draft, &seen, conn).map(drop).unwrap_err());
        assert_eq!(others.now().map(LockInfo::owner), Some("bob"));
        assert!(others.to_string().contains("is not the one that root saw: it is bob's"), "{others}");
        refused(end(&root().because("old"), &draft, &seen, conn).unwrap_err());
        bobs.renew(conn).unwrap();
    }

    fn a_lease_that_was_given_back_since_is_not_ended(conn) {
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        lease.release(conn).unwrap();
        refused(end(&root().because("old"), &draft, &seen, conn).unwrap_err());
        let late = refused(steal(&root().because("old"), &draft, &seen, conn).map(drop).unwrap_err());
        assert_eq!(late.now(), None);
        assert_eq!(inspect(&draft, conn), None);
        assert_eq!(ask(&draft).owner("bob").acquire(conn).unwrap().fence(), seen.fence() + 1);
    }

    fn what_has_expired_can_be_ended_as_well(conn) {
        let draft = first_draft!(conn);
        let _anns = ask(&draft).owner("ann").acquire(conn).unwrap();
        run_out!(conn);
        let seen = inspect(&draft, conn).unwrap();
        end(&root().because("tidy"), &draft, &seen, conn).unwrap();
        assert_eq!(inspect(&draft, conn), None);
    }

    fn nobody_but_the_owner_may_unless_a_policy_says_so(conn) {
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        let bob = Override::by("bob").because("please");
        let answers = [
            end(&bob, &draft, &seen, conn),
            steal(&bob, &draft, &seen, conn).map(drop),
        ];
        for answer in answers {
            let denied = refused(answer.unwrap_err());
            assert!(denied.is_denied());
            let sentence = format!("bob may not override the lock of drafts {}", draft.id);
            assert_eq!(denied.to_string(), sentence);
        }
        lease.renew(conn).unwrap();
        let here = Override::by("ann").because("the other tab");
        steal(&here, &draft, &seen, conn).unwrap().release(conn).unwrap();
    }

    fn a_reason_is_required(conn) {
        let draft = first_draft!(conn);
        let mut lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        let answers =
            [end(&root(), &draft, &seen, conn), steal(&root(), &draft, &seen, conn).map(drop)];
        for answer in answers {
            let sentence = answer.unwrap_err().to_string();
            assert_eq!(sentence, "no lease can be taken like this: the reason is empty");
        }
        let long = end(&root().because("x".repeat(2001)), &draft, &seen, conn);
        assert!(matches!(long, Err(Error::InvalidLock(_))));
        lease.renew(conn).unwrap();
    }
}
