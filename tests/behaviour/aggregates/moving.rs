//! `move_to`: a child becomes one of another root.

use noclobber::Error;
use noclobber::prelude::*;

use super::{BUMP, OrderLine, REFERENCES, SAVE_LINE, create_orders, everything, order, writes};
use crate::support::{Witness, on_every_database};

const MOVE: &str = "UPDATE \"order_lines\" SET \"article\" = ?, \"quantity\" = ?, \"order_id\" = ?, \
                    \"version\" = \"version\" + 1 \
                    WHERE \"id\" = ? AND \"version\" = ? AND \"order_id\" = ?";

on_every_database! {
    fn both_roots_are_bumped_and_then_the_child_is_saved_in_the_other_one(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let line = OrderLine::find(1, conn).unwrap();
        let witness = Witness::of(conn);
        let moved = line.of(11).move_to(2, conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, BUMP, MOVE]);
        assert_eq!((moved.order_id, moved.version, moved.quantity), (2, 2, 11));
        let (orders, lines) = everything!(conn);
        assert!(orders.iter().all(|order| order.version == 2));
        assert_eq!(lines[0], moved);
        // What comes back can be saved where it is now.
        let saved = moved.of(12).save(conn).unwrap();
        assert_eq!((order!(2, conn).0.version, saved.version), (3, 3));
    }

    fn to_its_own_root_it_is_a_save(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let line = OrderLine::find(1, conn).unwrap();
        let witness = Witness::of(conn);
        let saved = line.of(11).move_to(1, conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, MOVE]);
        assert_eq!((saved.order_id, saved.version), (1, 2));
        assert_eq!(order!(1, conn).0.version, 2);
        saved.save(conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, SAVE_LINE]);
    }

    fn to_a_root_that_is_not_there_nothing_moves(conn) {
        run(&create_orders(NUMBER_KEY, ""), conn);
        let before = everything!(conn);
        let error = OrderLine::find(1, conn).unwrap().of(99).move_to(7, conn).unwrap_err();
        let Error::RootNotFound { root, child } = error else { panic!("{error:?}") };
        assert_eq!((root.to_string(), child), ("orders 7".into(), "order_lines"));
        assert_eq!(everything!(conn), before);
    }

    fn a_field_that_was_changed_is_not_where_it_comes_from(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        let line = OrderLine { order_id: 2, ..OrderLine::find(1, conn).unwrap() };
        let refused = line.move_to(1, conn).unwrap_err();
        assert!(matches!(refused, Error::OfAnotherRoot { .. }), "{refused:?}");
        assert_eq!(
            refused.to_string(),
            "order_lines 1 was not written: it does not belong to orders 2, or would not any more; a \
             record is moved to another root by `move_to`"
        );
        assert!(!refused.is_conflict() && !refused.is_retryable() && !refused.is_not_found());
        assert_eq!(everything!(conn), before);
    }
}
