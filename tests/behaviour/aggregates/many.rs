//! Children in batches, and such as may be new.

use noclobber::prelude::*;
use noclobber::retry::Policy;
use noclobber::{Error, transaction, verify_all};

use super::{CASCADES, Order, OrderLine, create_orders, everything, writes};
use crate::support::{Witness, on_every_database};

on_every_database! {
    fn a_batch_bumps_the_root_of_each_child_before_it(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let (orders, lines) = everything!(conn);
        let witness = Witness::of(conn);
        // Backwards: it is sent in an order that all batches share.
        let changed = lines.iter().rev().map(|line| line.clone().of(7));
        let saved = OrderLine::save_all(changed, conn).unwrap();
        let tables: Vec<bool> = writes(&witness).iter().map(|sql| sql.contains("order_lines")).collect();
        assert_eq!(tables, [false, true, false, true, false, true]);
        let ids: Vec<i64> = saved.iter().map(|line| line.id).collect();
        assert_eq!(ids, [3, 2, 1]);
        let versions: Vec<i64> = everything!(conn).0.iter().map(|order| order.version).collect();
        assert_eq!(versions, [3, 2]);
        assert!(orders.into_iter().all(|order| order.touch(conn).unwrap_err().is_conflict()));
    }

    /// In an escalated attempt as well, which takes its rows before it loads them.
    fn a_modify_takes_the_root_before_the_child(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let witness = Witness::of(conn);
        let policy = Policy::default().escalate_after(0);
        let line = OrderLine::try_modify(3, &mut *conn, &policy, |line| {
            line.quantity += 1;
            Ok::<_, Error>(())
        });
        assert_eq!((line.unwrap().quantity, Order::find(2, conn).unwrap().version), (31, 2));
        let sent = witness.sent();
        let place = |beginning: &str| {
            let place = sent.iter().position(|sql| sql.starts_with(beginning) && sql.contains(HOLD_TO_WRITE));
            place.unwrap_or_else(|| panic!("{beginning} is not in {sent:#?}"))
        };
        let hold = r#"SELECT "version" FROM "orders" WHERE"#;
        let lock = r#"SELECT "order_lines"."id""#;
        // On SQLite nothing is held by a clause: the transaction is a writer.
        assert!(place(hold) <= place(lock) || HOLD_TO_WRITE.is_empty(), "{sent:#?}");
    }

    fn verify_all_takes_roots_before_children(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let (orders, lines) = everything!(conn);
        let witness = Witness::of(conn);
        transaction(conn, |conn| {
            verify_all(&[&lines[2].for_update(), &lines[0], &orders[1], &orders[0].for_update()], conn)
        })
        .unwrap();
        let held = witness.sent();
        let held: Vec<bool> = held
            .iter()
            .filter(|sql| sql.starts_with("SELECT \"version\""))
            .map(|sql| sql.contains("order_lines"))
            .collect();
        // Both orders; line 1; the order of line 3 once more, to be bumped, and line 3.
        assert_eq!(held, [false, false, true, false, true]);
    }

    fn a_batch_with_a_stale_child_leaves_the_roots_as_they_were(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let (_, lines) = everything!(conn);
        lines[2].clone().touch(conn).unwrap();
        let before = everything!(conn);
        let error = OrderLine::delete_all(lines.clone(), conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "order_lines 3");
        assert_eq!(everything!(conn), before);
        // What is refused of each does not bump its root either.
        let outcomes = OrderLine::save_each(lines, conn).unwrap();
        let refused: Vec<bool> = outcomes.iter().map(Result::is_err).collect();
        assert_eq!(refused, [false, false, true]);
        let versions: Vec<i64> = everything!(conn).0.iter().map(|order| order.version).collect();
        assert_eq!(versions, [3, 2]);
    }

    /// Whoever has deleted the root has deleted the child, or moved it: that is the conflict.
    fn a_child_whose_root_is_gone_is_told_of_itself(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let (_, lines) = everything!(conn);
        lines[1].clone().move_to(2, conn).unwrap();
        Order::find(1, conn).unwrap().delete(conn).unwrap();
        let outcomes = OrderLine::save_each(lines.clone(), conn).unwrap();
        let found: Vec<String> =
            outcomes.iter().filter_map(|it| it.as_ref().err()).map(|it| it.found().to_string()).collect();
        assert_eq!(found, ["no row", "version 2"]);
        let error = OrderLine::delete_all(lines, conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().others().len(), 2);
    }

    fn a_child_that_is_new_bumps_its_root_and_one_that_is_not_does_not(conn) {
        run(&create_orders(NUMBER_KEY, CASCADES), conn);
        let new = OrderLine { id: 70, order_id: 1, article: "pen".into(), quantity: 1, picked: 0, version: 0 };
        let witness = Witness::of(conn);
        let line = new.clone().upsert(None, conn).unwrap();
        let tables: Vec<bool> = writes(&witness).iter().map(|sql| sql.contains("order_lines")).collect();
        assert_eq!(tables, [false, true]);
        assert_eq!(Order::find(1, conn).unwrap().version, 2);
        assert!(new.upsert(None, conn).unwrap_err().is_conflict());
        assert_eq!(Order::find(1, conn).unwrap().version, 2);
        line.clone().upsert(Some(1), conn).unwrap();
        assert_eq!(Order::find(1, conn).unwrap().version, 3);
        let nowhere = OrderLine { id: 71, order_id: 9, ..line };
        assert!(matches!(nowhere.upsert(None, conn), Err(Error::RootNotFound { .. })));
    }
}
