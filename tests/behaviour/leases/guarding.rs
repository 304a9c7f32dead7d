//! Writes that prove their lease.

use diesel::ExpressionMethods;
use noclobber::error::Loss;
use noclobber::lock::{self, Lock, LockTables, Override};
use noclobber::prelude::*;
use noclobber::{Error, Found, Lease, transaction};

use super::{create_tables, expire, lost};
use crate::support::{Document, documents, on_every_database};

fn renamed(document: &Document, title: &str) -> Document {
    Document { title: title.into(), ..document.clone() }
}

on_every_database! {
    fn a_holder_writes(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let saved = renamed(&draft, "saved").save_locked(&lease, conn).unwrap();
        assert_eq!(saved.version, 2);
        assert_eq!(row(saved.id, conn), Some(saved.clone()));
        let patched = documents::title.eq("patched");
        assert_eq!(Document::patch_locked(saved.id, 2, patched, &lease, conn).unwrap(), 3);
        let current = saved.reload(conn).unwrap();
        assert_eq!(current.title, "patched");
        current.delete_locked(&lease, conn).unwrap();
        assert_eq!(row(saved.id, conn), None);
        lease.release(conn).unwrap();
    }

    fn a_holder_with_a_stale_copy_is_refused(conn) {
        create_tables!(conn);
        let stale = document("draft", conn);
        let lease = stale.lock().owner("ann").acquire(conn).unwrap();
        // Who takes no lease is not kept out.
        let theirs = renamed(&stale, "theirs").save(conn).unwrap();
        let found = |error: Error| error.conflict().unwrap().found().clone();
        let other = Found::Version("2".into());
        assert_eq!(found(renamed(&stale, "mine").save_locked(&lease, conn).unwrap_err()), other);
        assert_eq!(found(stale.clone().delete_locked(&lease, conn).unwrap_err()), other);
        let patch = Document::patch_locked(stale.id, 1, documents::title.eq("x"), &lease, conn);
        assert_eq!(found(patch.unwrap_err()), other);
        assert_eq!(row(stale.id, conn), Some(theirs));
        lease.release(conn).unwrap();
    }

    /// Although the version would have matched.
    fn who_has_lost_the_lease_writes_nothing_and_learns_why(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let record = draft.id.to_string();
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let seen = lock::inspect("documents", &record, conn).unwrap().unwrap();
        let allowed = |_: &str, _: &lock::LockInfo| true;
        let thief = Override::by("root").because("she has left").allowed_to(allowed);
        let stolen = thief.steal(&seen, conn).unwrap();

        let told = lost(renamed(&draft, "zombie").save_locked(&lease, conn).unwrap_err());
        assert_eq!(told.loss(), Loss::Stolen);
        assert_eq!((told.by(), told.reason()), (Some("root"), Some("she has left")));
        assert!(told.to_string().ends_with(": she has left"), "{told}");
        lost(draft.clone().delete_locked(&lease, conn).unwrap_err());
        let patch = Document::patch_locked(draft.id, 1, documents::title.eq("x"), &lease, conn);
        lost(patch.unwrap_err());
        assert_eq!(row(draft.id, conn), Some(draft.clone()));
        renamed(&draft, "thief's").save_locked(&stolen, conn).unwrap();
        stolen.release(conn).unwrap();
    }

    fn a_zombie_is_refused_after_somebody_took_what_had_expired(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let zombie = draft.lock().owner("ann").acquire(conn).unwrap();
        expire!(conn);
        let taken = draft.lock().owner("bob").acquire(conn).unwrap();
        let told = lost(renamed(&draft, "zombie").save_locked(&zombie, conn).unwrap_err());
        assert_eq!((told.loss(), told.by()), (Loss::Taken, Some("bob")));
        taken.release(conn).unwrap();
        // Also when nobody holds it any more.
        let told = lost(renamed(&draft, "zombie").save_locked(&zombie, conn).unwrap_err());
        assert_eq!(told.loss(), Loss::Taken);
        assert_eq!(row(draft.id, conn), Some(draft));
    }

    fn an_expired_lease_that_nobody_took_is_regained_by_the_write(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let record = draft.id.to_string();
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        expire!(conn);
        assert!(lock::inspect("documents", &record, conn).unwrap().unwrap().is_expired());
        let saved = renamed(&draft, "late").save_locked(&lease, conn).unwrap();
        assert_eq!(row(draft.id, conn), Some(saved.clone()));
        let now = lock::inspect("documents", &record, conn).unwrap().unwrap();
        assert!(!now.is_expired());
        assert_eq!((now.fence(), now.renewals()), (lease.fence(), 1));
        expire!(conn);
        saved.delete_locked(&lease, conn).unwrap();
        lease.release(conn).unwrap();
    }

    fn it_is_not_regained_when_the_record_has_changed(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let record = draft.id.to_string();
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        expire!(conn);
        draft.clone().touch(conn).unwrap();
        assert!(renamed(&draft, "late").save_locked(&lease, conn).unwrap_err().is_conflict());
        assert!(lock::inspect("documents", &record, conn).unwrap().unwrap().is_expired());
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

    fn inside_a_transaction_it_is_rolled_back_with_it(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let rolled_back = transaction(conn, |conn| {
            let saved = renamed(&draft, "never").save_locked(&lease, conn)?;
            saved.save_locked(&lease, conn)?;
            Err::<(), _>(Error::NotCreated { table: "roll back" })
        });
        assert!(rolled_back.is_err());
        assert_eq!(row(draft.id, conn), Some(draft.clone()));
        expire!(conn);
        let undone = transaction(conn, |conn| {
            draft.clone().save_locked(&lease, conn)?;
            Err::<Lease, _>(Error::NotCreated { table: "roll back" })
        });
        assert!(undone.is_err());
        let record = draft.id.to_string();
        assert!(lock::inspect("documents", &record, conn).unwrap().unwrap().is_expired());
    }

    fn locking_renewing_and_releasing_change_nothing_of_the_record(conn) {
        create_tables!(conn);
        let draft = document("draft", conn);
        let mut lease = draft.lock().owner("ann").acquire(conn).unwrap();
        lease.renew(conn).unwrap();
        lease.release(conn).unwrap();
        assert_eq!(row(draft.id, conn), Some(draft));
    }
}
