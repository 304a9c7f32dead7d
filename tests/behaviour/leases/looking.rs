//! Looking at leases, which writes nothing, and forgetting those that are over.

use std::time::Duration;

use noclobber::lock::{self, Lock, LockFilter};

use super::{MINUTE, anns, bobs, create_tables, expire};
use crate::support::{Witness, on_every_database};

on_every_database! {
    fn leases_are_listed_by_owner_table_and_age_page_by_page(conn) {
        create_tables!(conn);
        let mut leases = Vec::new();
        for (entity, record, owner) in
            [("a", "1", "ann"), ("a", "2", "bob"), ("b", "1", "ann"), ("b", "2", "bob"), ("b", "3", "ann")]
        {
            leases.push(Lock::on(entity, record).owner(owner).acquire(conn).unwrap());
        }
        let mut names = |filter: LockFilter| -> Vec<String> {
            let list = lock::list(&filter, conn).unwrap();
            list.iter().map(|it| format!("{}{}", it.entity(), it.record())).collect()
        };
        assert_eq!(names(LockFilter::default()), ["a1", "a2", "b1", "b2", "b3"]);
        assert_eq!(names(LockFilter::default().owner("ann")), ["a1", "b1", "b3"]);
        assert_eq!(names(LockFilter::default().entity("b").owner("bob")), ["b2"]);
        assert_eq!(names(LockFilter::default().owner("nobody")), [""; 0]);
        assert_eq!(names(LockFilter::default().older_than(MINUTE)), [""; 0]);
        assert_eq!(names(LockFilter::default().older_than(Duration::ZERO)).len(), 5);
        assert_eq!(names(LockFilter::default().limit(2)), ["a1", "a2"]);
        assert_eq!(names(LockFilter::default().limit(2).after(&leases[1].info())), ["b1", "b2"]);
        assert_eq!(names(LockFilter::default().limit(2).after(&leases[3].info())), ["b3"]);
        assert_eq!(lock::mine("bob", conn).unwrap().len(), 2);
    }

    fn expired_leases_are_listed_when_asked_for(conn) {
        create_tables!(conn);
        let _forgotten = anns().acquire(conn).unwrap();
        expire!(conn);
        assert!(lock::list(&LockFilter::default(), conn).unwrap().is_empty());
        let all = lock::list(&LockFilter::default().with_expired(), conn).unwrap();
        assert!(all[0].is_expired() && all[0].expires_in().is_zero());
        Lock::on("documents", "8").owner("ann").acquire(conn).unwrap().release(conn).unwrap();
        assert_eq!(lock::list(&LockFilter::default().with_expired(), conn).unwrap().len(), 1);
    }

    fn looking_writes_nothing(conn) {
        create_tables!(conn);
        let _lease = anns().acquire(conn).unwrap();
        let witness = Witness::of(conn);
        lock::inspect("documents", "7", conn).unwrap();
        lock::list(&LockFilter::default(), conn).unwrap();
        lock::mine("ann", conn).unwrap();
        lock::history("documents", "7", conn).unwrap();
        let sent = witness.sent();
        assert_eq!(sent.len(), 4);
        assert!(sent.iter().all(|sql| sql.starts_with("SELECT ") && !sql.contains("FOR ")), "{sent:?}");
    }

    fn only_what_has_been_over_for_long_is_forgotten(conn) {
        create_tables!(conn);
        let held = Lock::on("documents", "1").owner("ann").acquire(conn).unwrap();
        Lock::on("documents", "2").owner("ann").acquire(conn).unwrap().release(conn).unwrap();
        let _expired = Lock::on("documents", "3").owner("ann").acquire(conn).unwrap();
        run("UPDATE locks SET expires_at = 1 WHERE record = '3'", conn);
        // A moment ago is not a minute ago.
        assert_eq!(lock::purge(MINUTE, conn).unwrap(), 1);
        assert_eq!(lock::inspect("documents", "3", conn).unwrap(), None);
        assert_eq!(lock::history("documents", "2", conn).unwrap().len(), 2);
        run("UPDATE locks SET expires_at = 1 WHERE record = '2'", conn);
        run("UPDATE lock_events SET at = 1 WHERE record = '2'", conn);
        assert_eq!(lock::purge(MINUTE, conn).unwrap(), 1);
        assert!(lock::history("documents", "2", conn).unwrap().is_empty());
        assert_eq!(lock::list(&LockFilter::default(), conn).unwrap().len(), 1);
        held.release(conn).unwrap();
    }

    fn a_purge_of_many_keeps_the_highest_fence_of_each_table(conn) {
        create_tables!(conn);
        for (entity, record, grants) in [("a", "1", 5), ("a", "2", 2), ("b", "1", 3)] {
            for _ in 0..grants {
                Lock::on(entity, record).owner("ann").acquire(conn).unwrap().release(conn).unwrap();
            }
        }
        run("UPDATE locks SET expires_at = 1", conn);
        assert_eq!(lock::purge(MINUTE, conn).unwrap(), 3);
        let mut fence = |entity: &str, record: &str| {
            Lock::on(entity, record).owner("bob").acquire(conn).unwrap().fence()
        };
        assert_eq!((fence("a", "2"), fence("a", "9"), fence("b", "1"), fence("c", "1")), (6, 6, 4, 1));
        // Once more, when there is a floor already.
        run("UPDATE locks SET expires_at = 1", conn);
        lock::purge(MINUTE, conn).unwrap();
        assert_eq!(bobs().acquire(conn).unwrap().fence(), 1);
        assert_eq!(Lock::on("a", "1").owner("bob").acquire(conn).unwrap().fence(), 7);
    }

    /// Who writes history meanwhile waits for some of them, and not for all.
    fn events_are_forgotten_some_at_a_time(conn) {
        create_tables!(conn);
        let lease = anns().acquire(conn).unwrap();
        let old: Vec<_> = (1..=1201).map(|at| format!("('a', '1', 1, 'acquired', 'ann', {at})")).collect();
        let columns = "entity, record, fence, event, actor, at";
        run(&format!("INSERT INTO lock_events ({columns}) VALUES {}", old.join(", ")), conn);
        let witness = Witness::of(conn);
        lock::purge(MINUTE, conn).unwrap();
        let sent = witness.sent();
        let transactions = sent.split(|sql| sql == "COMMIT");
        let deletes = transactions.map(|sent| {
            sent.iter().filter(|sql| sql.starts_with("DELETE FROM \"lock_events\"")).count()
        });
        let deletes: Vec<_> = deletes.filter(|deletes| *deletes > 0).collect();
        assert_eq!(deletes, [1, 1, 1, 1]);
        assert!(lock::history("a", "1", conn).unwrap().is_empty());
        assert_eq!(lock::history("documents", "7", conn).unwrap().len(), 1);
        lease.release(conn).unwrap();
    }

    fn what_is_to_be_forgotten_is_found_by_an_index(conn) {
        create_tables!(conn);
        let tables = schema(conn).join("\n");
        assert!(tables.contains("locks_by_expiry") && tables.contains("lock_events_by_time"), "{tables}");
    }
}
