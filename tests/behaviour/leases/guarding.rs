//! Writes that prove their lease: what is particular about the table. The rest is in
//! [`both`](super::both).

use noclobber::Error;
use noclobber::error::Loss;
use noclobber::lock::{self, Lock, LockTables};
use noclobber::prelude::*;

use super::{create_tables, expire, lost};
use crate::support::{Document, on_every_database};

fn renamed(document: &Document, title: &str) -> Document {
    Document { title: title.into(), ..document.clone() }
}

on_every_database! {
    fn an_expired_lease_that_nobody_took_is_regained_by_the_write(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let record = draft.id.to_string();
        let mut lease = draft.lock().owner("ann").acquire(conn).unwrap();
        expire!(conn);
        assert!(lock::inspect("documents", &record, conn).unwrap().unwrap().is_expired());
        assert_eq!(lost(lease.renew(conn).unwrap_err()).loss(), Loss::Expired);
        assert!(!lease.info().is_expired());
        let saved = renamed(&draft, "late").save_locked(&lease, conn).unwrap();
        assert_eq!(row(draft.id, conn), Some(saved.clone()));
        let now = lock::inspect("documents", &record, conn).unwrap().unwrap();
        assert!(!now.is_expired());
        assert_eq!((now.fence(), now.renewals()), (lease.fence(), 1));
        // The handle knows, also one that was told that it cannot be renewed.
        assert_eq!(lease.info().renewals(), 1);
        assert_eq!(lease.info().expires_at(), now.expires_at());
        assert!(lease.is_trusted());
        expire!(conn);
        saved.delete_locked(&lease, conn).unwrap();
        lease.release(conn).unwrap();
    }

    fn without_the_tables_a_proof_names_the_cure(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        run("DROP TABLE locks", conn);
        let error = renamed(&draft, "never").save_locked(&lease, conn).unwrap_err();
        assert!(matches!(error, Error::LockTablesMissing { .. }), "{error:?}");
    }

    fn it_is_not_regained_beyond_its_cap(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        run("UPDATE locks SET expires_at = 1, deadline_at = 1", conn);
        let told = lost(renamed(&draft, "late").save_locked(&lease, conn).unwrap_err());
        assert_eq!(told.loss(), Loss::Capped);
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn the_lease_of_another_record_proves_nothing(conn) {
        create_tables!(conn);
        let (one, other) = (document("one", conn), document("other", conn));
        let lease = other.lock().owner("ann").acquire(conn).unwrap();
        let refused = |error: Error| assert!(matches!(error, Error::InvalidLock(_)), "{error:?}");
        refused(one.clone().save_locked(&lease, conn).unwrap_err());
        refused(one.clone().delete_locked(&lease, conn).unwrap_err());
        let elsewhere = Lock::on("other", one.id.to_string()).owner("ann").acquire(conn).unwrap();
        refused(one.clone().save_locked(&elsewhere, conn).unwrap_err());
        assert_eq!(row(one.id, conn), Some(one));
    }

    /// The statement that proves a lease is kept prepared, and is another one for other tables.
    fn a_lease_is_proven_by_the_tables_that_it_is_kept_in(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let saved = renamed(&draft, "saved").save_locked(&lease, conn).unwrap();
        lease.release(conn).unwrap();

        run("CREATE TABLE leases AS SELECT * FROM locks", conn);
        run("CREATE TABLE lease_events AS SELECT * FROM lock_events", conn);
        let tables = LockTables::named("leases", "lease_events");
        let lease = saved.lock().owner("bob").kept_in(tables).acquire(conn).unwrap();
        let saved = renamed(&saved, "saved again").save_locked(&lease, conn).unwrap();
        run("DELETE FROM locks", conn);
        run("INSERT INTO locks SELECT * FROM leases", conn);
        run("UPDATE leases SET fence = fence + 1", conn);
        lost(renamed(&saved, "unproven").save_locked(&lease, conn).unwrap_err());
        assert_eq!(row(draft.id, conn), Some(saved));
    }
}
