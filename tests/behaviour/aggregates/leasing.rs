//! A lease on a child proves that nobody else writes it; its root moves on with each write all the same.

use diesel::prelude::*;
use noclobber::Error;
use noclobber::prelude::*;

use super::{BUMP, OrderLine, REFERENCES, SAVE_LINE, create_orders, order, order_lines};
use crate::support::{Witness, on_every_database};

on_every_database! {
    fn a_write_that_proves_its_lease_bumps_the_root(conn) {
        noclobber::migrations::run(conn).unwrap();
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let line = OrderLine::find(1, conn).unwrap();
        let lease = line.lock().owner("ann").acquire(conn).unwrap();
        let witness = Witness::of(conn);
        let line = line.of(11).save_locked(&lease, conn).unwrap();
        let sent = witness.sent();
        let at = |wanted: &str| sent.iter().position(|sql| sql == wanted).unwrap();
        assert_eq!(at(BUMP) + 1, at(SAVE_LINE));
        assert_eq!((sent[0].as_str(), sent[sent.len() - 1].as_str()), ("BEGIN", "COMMIT"));
        assert_eq!((line.version, order!(1, conn).0.version), (2, 2));
        let quantity = order_lines::quantity.eq(12);
        assert_eq!(OrderLine::patch_locked(1, 2, quantity, &lease, conn).unwrap(), 3);
        assert_eq!(order!(1, conn).0.version, 3);
        line.reload(conn).unwrap().delete_locked(&lease, conn).unwrap();
        let (ann, lines) = order!(1, conn);
        assert_eq!((ann.version, lines.len()), (4, 1));
        lease.release(conn).unwrap();
    }

    fn without_its_lease_nothing_is_written_and_the_root_stays(conn) {
        noclobber::migrations::run(conn).unwrap();
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let line = OrderLine::find(1, conn).unwrap();
        let lease = line.lock().owner("ann").acquire(conn).unwrap();
        run("DELETE FROM locks", conn);
        let error = line.of(99).save_locked(&lease, conn).unwrap_err();
        assert!(matches!(error, Error::LockLost(_)), "{error:?}");
        let (ann, lines) = order!(1, conn);
        assert_eq!((ann.version, lines[0].quantity), (1, 10));
        drop(lease);
    }
}
