//! Ending somebody else's lease: what the history tells of it. The rest is in [`both`](super::both).

use noclobber::Error;
use noclobber::error::{Loss, OverrideRefused};
use noclobber::lock::{self, EventKind, LockInfo, Override};

use super::{MINUTE, anns, bobs, create_tables, lost};
use crate::support::on_every_database;

fn root() -> Override<impl lock::LockPolicy> {
    Override::by("root").allowed_to(|actor: &str, _: &LockInfo| actor == "root")
}

fn refused(error: Error) -> OverrideRefused {
    match error {
        Error::OverrideRefused(refused) => refused,
        error => panic!("{error:?}"),
    }
}

on_every_database! {
    fn a_broken_lease_is_free_and_its_holder_learns_why(conn) {
        create_tables!(conn);
        let mut lease = anns().acquire(conn).unwrap();
        let seen = lock::inspect("documents", "7", conn).unwrap().unwrap();
        root().because("left open").break_lock(&seen, conn).unwrap();
        assert_eq!(lock::inspect("documents", "7", conn).unwrap(), None);
        let told = lost(lease.renew(conn).unwrap_err());
        assert_eq!((told.loss(), told.by(), told.reason()), (Loss::Broken, Some("root"), Some("left open")));
        assert_eq!(bobs().acquire(conn).unwrap().fence(), lease.fence() + 1);
    }

    fn a_stolen_lease_is_the_thiefs_with_a_larger_fence(conn) {
        create_tables!(conn);
        let lease = anns().acquire(conn).unwrap();
        let seen = lock::inspect("documents", "7", conn).unwrap().unwrap();
        let mut stolen = root().because("urgent").steal(&seen, conn).unwrap();
        assert_eq!((stolen.info().owner(), stolen.fence()), ("root", lease.fence() + 1));
        stolen.renew(conn).unwrap();
        assert_eq!(lost(lease.release(conn).unwrap_err()).loss(), Loss::Stolen);
        let history = lock::history("documents", "7", conn).unwrap();
        let told: Vec<_> = history.iter().map(|it| (it.kind(), it.actor(), it.holder(), it.reason())).collect();
        assert_eq!(
            told,
            [
                (EventKind::Acquired, "ann", Some("ann"), None),
                (EventKind::Stolen, "root", Some("ann"), Some("urgent")),
                (EventKind::Acquired, "root", Some("root"), Some("urgent")),
            ]
        );
        stolen.release(conn).unwrap();
    }

    /// Otherwise a cap would be for who does not know how to get around it.
    fn who_takes_over_their_own_lease_goes_on_under_its_cap(conn) {
        create_tables!(conn);
        let capped = anns().session("one").ttl(MINUTE).cap(MINUTE * 2).acquire(conn).unwrap();
        let seen = lock::inspect("documents", "7", conn).unwrap().unwrap();
        let here = Override::by("ann").session("two").because("the other tab").ttl(MINUTE * 9);
        let here = here.steal(&seen, conn).unwrap();
        assert_eq!(here.info().deadline_at(), capped.info().deadline_at());
        assert_eq!(Some(here.info().expires_at()), here.info().deadline_at());
        here.release(conn).unwrap();

        // Somebody else's cap is not theirs.
        let _capped = anns().cap(MINUTE * 10).acquire(conn).unwrap();
        let seen = lock::inspect("documents", "7", conn).unwrap().unwrap();
        assert_eq!(root().because("urgent").steal(&seen, conn).unwrap().info().deadline_at(), None);
    }

    fn nobody_but_the_owner_may_unless_a_policy_says_so(conn) {
        create_tables!(conn);
        let mut lease = anns().session("one").acquire(conn).unwrap();
        let seen = lock::inspect("documents", "7", conn).unwrap().unwrap();
        for answer in [
            Override::by("bob").because("please").break_lock(&seen, conn),
            Override::by("bob").because("please").steal(&seen, conn).map(drop),
        ] {
            let denied = refused(answer.unwrap_err());
            assert!(denied.is_denied());
            assert_eq!(denied.to_string(), "bob may not override the lock of documents 7");
        }
        lease.renew(conn).unwrap();
        let history = lock::history("documents", "7", conn).unwrap();
        let denied: Vec<_> = history.iter().filter(|it| it.kind() == EventKind::Denied).collect();
        assert_eq!(denied.len(), 2);
        assert_eq!((denied[0].actor(), denied[0].holder(), denied[0].reason()), ("bob", Some("ann"), Some("please")));

        let here = Override::by("ann").session("two").because("the other tab").steal(&seen, conn);
        here.unwrap().release(conn).unwrap();
    }
}
