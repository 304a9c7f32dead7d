//! The end of an aggregate: its root is deleted, and does not make itself stale by its children.

use diesel::prelude::*;
use noclobber::Error;
use noclobber::prelude::*;

use super::{
    BUMP, CASCADES, DELETE_LINE, REFERENCES, create_orders, everything, order, order_lines, writes,
};
use crate::support::{Witness, on_every_database};

const TOUCH_ROOT: &str = "UPDATE \"orders\" SET \"version\" = \"version\" + 1 \
                          WHERE \"id\" = ? AND \"version\" = ?";
const DELETE_ROOT: &str = "DELETE FROM \"orders\" WHERE \"id\" = ? AND \"version\" = ?";

on_every_database! {
    fn children_go_before_their_root(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        let bobs = order!(2, conn);
        let witness = Witness::of(conn);
        let deleted = ann.delete_with(conn, |order| {
            let count = lines.len();
            lines.into_iter().try_for_each(|line| order.delete_child(line))?;
            Ok::<_, Error>(count)
        });
        assert_eq!(deleted.unwrap(), 2);
        assert_eq!(writes(&witness), [TOUCH_ROOT, DELETE_LINE, DELETE_LINE, DELETE_ROOT]);
        assert_eq!(everything!(conn), (vec![bobs.0], bobs.1));
    }

    fn where_the_database_cascades_a_plain_delete_of_the_root_is_enough(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let (ann, lines) = order!(1, conn);
        let bobs = order!(2, conn);
        // Any change of a child guards the whole.
        lines[0].clone().touch(conn).unwrap();
        assert!(ann.clone().delete(conn).unwrap_err().is_conflict());
        assert_eq!(order!(1, conn).1.len(), 2);
        let witness = Witness::of(conn);
        ann.reload(conn).unwrap().delete(conn).unwrap();
        assert_eq!(writes(&witness), [DELETE_ROOT]);
        assert_eq!(everything!(conn), (vec![bobs.0], bobs.1));
    }

    fn where_the_database_cascades_the_root_can_go_with_some_children_too(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let (ann, mut lines) = order!(1, conn);
        let bobs = order!(2, conn);
        ann.delete_with(conn, |order| order.delete_child(lines.remove(0))).unwrap();
        assert_eq!(everything!(conn), (vec![bobs.0], bobs.1));
    }

    fn a_stale_root_and_its_children_stay(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        lines[0].clone().touch(conn).unwrap();
        let before = everything!(conn);
        let deleted = ann.delete_with(conn, |order| {
            lines.into_iter().try_for_each(|line| order.delete_child(line))
        });
        let error: Error = deleted.unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "orders 1");
        assert_eq!(everything!(conn), before);
    }

    fn a_root_that_has_children_left_stays_with_all_of_them(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        let (ann, mut lines) = order!(1, conn);
        let deleted = ann.delete_with(conn, |order| order.delete_child(lines.remove(0)));
        assert!(matches!(deleted, Err(Error::Database(_))), "{deleted:?}");
        assert_eq!(everything!(conn), before);
    }

    fn a_lone_delete_of_a_child_bumps_the_root_that_stays(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, mut lines) = order!(1, conn);
        let witness = Witness::of(conn);
        lines.remove(0).delete(conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, DELETE_LINE]);
        assert_eq!(order!(1, conn).0.version, 2);
        assert_eq!(order_lines::table.count().get_result(conn), Ok(2_i64));
        assert!(ann.delete(conn).unwrap_err().is_conflict());
    }
}
