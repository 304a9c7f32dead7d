//! Leases that are given back when they are dropped.

use std::time::{Duration, Instant};

use noclobber::error::Loss;
use noclobber::lock::{self, EventKind, Keeper, Locks};
use noclobber::prelude::*;
use noclobber::{Error, transaction};

use super::{
    MINUTE, SOON, anns, bobs, create_tables, expire, happened, held, lost, root, seen, wait_until,
};
use crate::support::{Document, Witness, on_every_shared_database, on_sqlite};

/// Long enough for what happens while it is held, and short enough to be waited for.
const BRIEF: Duration = Duration::from_millis(700);

/// Drops it, and fails when that has waited.
fn drop_at_once<T>(it: T) {
    let started = Instant::now();
    drop(it);
    assert!(started.elapsed() < SOON, "the drop has waited for {:?}", started.elapsed());
}

on_every_shared_database! {
    fn a_lease_that_is_dropped_is_given_back(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let locks = Locks::new(database.pool(2));
        let lease = locks.acquire(&anns()).unwrap();
        assert_eq!(held(locks.acquire(&bobs()).unwrap_err()).info().owner(), "ann");
        let fence = lease.fence();
        drop(lease);
        assert_eq!(seen(conn), None);
        assert_eq!(happened("7", conn), [EventKind::Acquired, EventKind::Released]);
        assert_eq!(locks.acquire_within(MINUTE, &bobs()).unwrap().fence(), fence + 1);
        assert_eq!(seen(conn), None);
    }

    fn it_is_renewed_and_released_through_the_pool(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let locks = Locks::new(database.pool(1));
        let mut lease = locks.acquire(&anns()).unwrap();
        lease.renew().unwrap();
        assert_eq!(seen(conn).unwrap().renewals(), 1);
        lease.release().unwrap();
        assert_eq!(seen(conn), None);
        let mut lease = locks.acquire(&anns()).unwrap();
        root().break_lock(&seen(conn).unwrap(), conn).unwrap();
        assert_eq!(lost(lease.renew().unwrap_err()).loss(), Loss::Broken);
        assert_eq!(lost(lease.release().unwrap_err()).loss(), Loss::Broken);
    }

    /// What was lost meanwhile is the next one's.
    fn a_drop_ends_nobody_elses_lease(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let locks = Locks::new(database.pool(1));
        let lease = locks.acquire(&anns()).unwrap();
        expire!(conn);
        let _bobs = bobs().acquire(conn).unwrap();
        drop(lease);
        assert_eq!(seen(conn).unwrap().owner(), "bob");
        assert_eq!(lock::history("documents", "7", conn).unwrap().len(), 3);
    }

    fn without_a_connection_the_drop_does_not_wait_and_the_lease_expires(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let pool = database.pool(1);
        let lease = Locks::new(pool.clone()).acquire(&anns().ttl(BRIEF)).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let keeping = Keeper::of(&lease).every(BRIEF / 10);
        let _keeper = keeping.start(database.connect(), move |lost| tell.send(lost).unwrap()).unwrap();
        let busy = pool.get().unwrap();
        drop_at_once(lease);
        assert_eq!(seen(conn).unwrap().owner(), "ann");
        wait_until("it expires", || seen(conn).unwrap().is_expired());
        assert!(told.try_recv().is_err());
        drop(busy);
        assert_eq!(bobs().acquire(conn).unwrap().fence(), 2);
    }

    fn under_a_proof_the_drop_does_not_wait_and_the_lease_expires(database) {
        let (conn, watcher) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        while document("draft", conn).id < 7 {}
        let draft = Document::find(7, conn).unwrap();
        let pool = database.pool(1);
        let lease = Locks::new(pool.clone()).acquire(&draft.lock().owner("ann").ttl(BRIEF)).unwrap();
        let saved = transaction(conn, |conn| {
            let saved = Document { title: "ann's".into(), ..draft }.save_locked(&lease, conn)?;
            drop_at_once(lease);
            assert_eq!(seen(watcher).unwrap().owner(), "ann");
            Ok::<_, Error>(saved)
        });
        assert_eq!(row(7, conn), Some(saved.unwrap()));
        assert_eq!(seen(watcher).unwrap().owner(), "ann");
        wait_until("it expires", || seen(watcher).unwrap().is_expired());
        // The connection is as good as before.
        let bobs = Locks::new(pool).acquire(&bobs()).unwrap();
        assert_eq!(bobs.fence(), 2);
    }
}

on_sqlite! {
    /// It is another's connection next.
    fn a_drop_leaves_the_patience_of_the_connection_as_it_was(conn) {
        create_tables!(conn);
        let database = crate::support::Database::file(crate::support::Journal::Wal);
        create_tables!(&mut database.connect());
        let pool = database.pool(1);
        let patience = |conn: &mut Conn| texts("SELECT CAST(timeout AS TEXT) AS text FROM pragma_busy_timeout", conn);
        let before = patience(&mut pool.get().unwrap());
        let lease = Locks::new(pool.clone()).acquire(&anns()).unwrap();
        let witness = Witness::of(&mut *pool.get().unwrap());
        run("BEGIN IMMEDIATE", &mut database.connect());
        drop(lease);
        assert!(witness.sent().iter().any(|sql| sql == "PRAGMA busy_timeout = 0"));
        assert_eq!(patience(&mut pool.get().unwrap()), before);
    }
}
