//! Being kept by a thread.

use std::sync::mpsc;
use std::time::Duration;

use noclobber::prelude::*;

use super::{first_draft, on_both_shared_storages};
use crate::leases::{SOON, lost, root};

on_both_shared_storages! {
    /// Who writes need not be who is to be told.
    fn a_loss_is_told_although_a_write_has_heard_of_it_before(database) {
        let conn = &mut database.connect();
        let draft = first_draft!(conn);
        let lease = ask(&draft).owner("ann").acquire(conn).unwrap();
        let seen = inspect(&draft, conn).unwrap();
        steal(&root(), &draft, &seen, conn).unwrap().release(conn).unwrap();
        lost(draft.renamed("zombie").save_locked(&lease, conn).unwrap_err());
        assert!(!lease.is_trusted());
        let (tell, told) = mpsc::channel();
        let keeping = keep(&lease).every(Duration::from_millis(20));
        let keeper = keeping.start(database.connect(), move |lost| tell.send(lost).unwrap()).unwrap();
        assert_eq!(told.recv_timeout(SOON).unwrap().fence(), lease.fence());
        keeper.stop();
    }
}
