//! The thread that renews a lease for its holder.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noclobber::error::{LockLost, Loss};
use noclobber::lock::{Keeper, Keeping};
use noclobber::prelude::*;
use noclobber::{Error, Lease, transaction};

use super::{MINUTE, SOON, anns, create_tables, expire, root, seen, wait_until};
use crate::support::{Document, Witness, on_every_shared_database};

const OFTEN: Duration = Duration::from_millis(20);

/// A keeper of a lease that never runs out by itself in a test.
fn often(lease: &Lease) -> Keeping {
    Keeper::of(lease).every(OFTEN)
}

/// What is called when the lease is lost, and where that is told.
fn told() -> (impl FnOnce(LockLost) + Send + 'static, Receiver<LockLost>) {
    let (tell, told) = mpsc::channel();
    (move |lost| tell.send(lost).unwrap(), told)
}

/// Once the keeper has ended without a word, nobody can tell any more.
fn ends_silently(told: &Receiver<LockLost>) -> bool {
    matches!(told.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected))
}

macro_rules! wait_for_renewals {
    ($number:expr, $conn:expr) => {{
        let goal = seen($conn).unwrap().renewals() + $number;
        wait_until("it is renewed", || seen($conn).unwrap().renewals() >= goal);
    }};
}

on_every_shared_database! {
    fn a_lease_outlives_its_time_as_long_as_it_is_kept(database) {
        const TTL: Duration = Duration::from_secs(5);
        let conn = &mut database.connect();
        create_tables!(conn);
        let lease = anns().ttl(TTL).acquire(conn).unwrap();
        let started = Instant::now();
        let (lost, told) = told();
        let keeper = Keeper::of(&lease).every(TTL / 20).start(database.connect(), lost).unwrap();
        wait_until("it has outlived its time twice", || {
            assert!(lease.is_trusted());
            assert!(!seen(conn).unwrap().is_expired());
            std::thread::sleep(OFTEN);
            started.elapsed() > TTL * 9 / 4
        });
        let info = lease.info();
        assert!(info.renewals() >= 5 && info.renewed_at() > Some(info.acquired_at()));
        assert!(info.expires_at() > info.acquired_at() + TTL * 2);
        assert_eq!(info.fence(), 1);
        keeper.stop();
        assert!(ends_silently(&told));
        lease.release(conn).unwrap();
    }

    fn a_loss_is_told_once_and_at_once(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let end = |loss: Loss, conn: &mut Conn| match loss {
            Loss::Broken => root().break_lock(&seen(conn).unwrap(), conn).unwrap(),
            Loss::Stolen => root().steal(&seen(conn).unwrap(), conn).unwrap().release(conn).unwrap(),
            _ => expire!(conn),
        };
        for loss in [Loss::Broken, Loss::Stolen, Loss::Expired] {
            let lease = anns().acquire(conn).unwrap();
            let (tell, told) = told();
            let keeper = often(&lease).start(database.connect(), tell).unwrap();
            wait_for_renewals!(1, conn);
            assert!(told.try_recv().is_err());
            end(loss, conn);
            let lost = told.recv_timeout(SOON).unwrap();
            assert_eq!((lost.loss(), lost.fence()), (loss, lease.fence()));
            let by = if loss == Loss::Expired { None } else { Some("root") };
            assert_eq!(lost.by(), by);
            assert!(!lease.is_trusted());
            // The thread has ended with that.
            assert!(ends_silently(&told));
            keeper.stop();
            let _ = lease.release(conn);
        }
    }

    fn what_is_over_is_not_renewed_and_no_loss(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let lease = anns().acquire(conn).unwrap();
        let (tell, told_of_release) = told();
        let _keeper = often(&lease).start(database.connect(), tell).unwrap();
        wait_for_renewals!(2, conn);
        lease.release(conn).unwrap();
        assert!(ends_silently(&told_of_release));

        // Also when it was released by another handle of the same grant, of which the keeper is not told.
        let request = anns();
        let (lease, twin) = (request.acquire(conn).unwrap(), request.acquire(conn).unwrap());
        let (tell, told_of_twin) = told();
        let _keeper = often(&twin).start(database.connect(), tell).unwrap();
        wait_for_renewals!(1, conn);
        lease.release(conn).unwrap();
        assert!(ends_silently(&told_of_twin));

        // Nobody can use a lease that was dropped: it is left to expire, and not kept for ever.
        let lease = anns().acquire(conn).unwrap();
        let (tell, told_of_drop) = told();
        let _keeper = often(&lease).start(database.connect(), tell).unwrap();
        wait_for_renewals!(1, conn);
        drop(lease);
        assert!(ends_silently(&told_of_drop));
        let left = seen(conn).unwrap();
        assert!(!left.is_expired());

        // Nor one that could not be given back.
        expire!(conn);
        let lease = anns().acquire(conn).unwrap();
        let (tell, told_of_failure) = told();
        let _keeper = often(&lease).start(database.connect(), tell).unwrap();
        wait_for_renewals!(1, conn);
        let refused = transaction(conn, |conn| lease.release(conn));
        assert!(matches!(refused, Err(Error::LockInTransaction)), "{refused:?}");
        assert!(ends_silently(&told_of_failure));
    }

    fn a_keeper_that_is_stopped_or_dropped_renews_no_more(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let lease = anns().acquire(conn).unwrap();
        for end in [Keeper::stop, drop] {
            let (tell, told) = told();
            let keeper = often(&lease).start_with_pool(database.pool(1), tell).unwrap();
            wait_for_renewals!(2, conn);
            end(keeper);
            // It has waited for the thread.
            assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected));
        }
        assert!(lease.is_trusted());
        lease.release(conn).unwrap();
    }

    fn it_may_be_ended_by_what_it_calls(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let lease = anns().acquire(conn).unwrap();
        let place = Arc::new(Mutex::new(None::<Keeper>));
        let ((tell, told), kept) = (told(), Arc::clone(&place));
        let end = move |lost| {
            drop(kept.lock().unwrap().take());
            tell(lost);
        };
        *place.lock().unwrap() = Some(often(&lease).start(database.connect(), end).unwrap());
        root().break_lock(&seen(conn).unwrap(), conn).unwrap();
        assert_eq!(told.recv_timeout(SOON).unwrap().loss(), Loss::Broken);
    }

    fn it_renews_at_least_three_times_and_not_all_the_time(database) {
        let conn = &mut database.connect();
        create_tables!(conn);
        let lease = anns().ttl(MINUTE).acquire(conn).unwrap();
        let third = MINUTE / 3;
        for interval in [Duration::ZERO, third + Duration::from_nanos(1), MINUTE, Duration::MAX] {
            let refused = Keeper::of(&lease).every(interval).start(database.connect(), drop);
            assert!(matches!(refused, Err(Error::InvalidLock(_))), "{interval:?}");
        }
        for interval in [Duration::from_nanos(1), third] {
            Keeper::of(&lease).every(interval).start(database.connect(), drop).unwrap().stop();
        }
        lease.release(conn).unwrap();
    }

    /// Neither that the row is under the holder's own proof, nor that the table is not there for a while.
    fn what_the_database_cannot_serve_is_no_loss(database) {
        let (conn, watcher) = (&mut database.connect(), &mut database.connect());
        create_tables!(conn);
        while document("draft", conn).id < 7 {}
        let draft = Document::find(7, conn).unwrap();
        let lease = draft.lock().owner("ann").acquire(conn).unwrap();
        let mut own = database.connect();
        run(WITHOUT_PATIENCE, &mut own);
        let witness = Witness::of(&mut own);
        let wait_for_attempts = || {
            witness.sent();
            let attempts = || witness.sent().iter().filter(|sql| sql.contains("BEGIN")).count();
            let mut seen = 0;
            wait_until("it tries", || {
                seen += attempts();
                seen > 2
            });
        };
        let (tell, told) = told();
        let keeper = often(&lease).start(own, tell).unwrap();
        wait_for_renewals!(1, watcher);
        let saved = transaction(conn, |conn| {
            let saved = draft.save_locked(&lease, conn)?;
            wait_for_attempts();
            Ok::<_, Error>(saved)
        });
        wait_for_renewals!(1, watcher);

        run("ALTER TABLE locks RENAME TO away", conn);
        wait_for_attempts();
        run("ALTER TABLE away RENAME TO locks", conn);
        wait_for_renewals!(1, watcher);
        assert!(told.try_recv().is_err());
        assert!(lease.is_trusted());
        saved.unwrap().save_locked(&lease, conn).unwrap();
        keeper.stop();
        lease.release(conn).unwrap();
    }
}
