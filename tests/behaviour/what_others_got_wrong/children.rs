//! A change of a child that its root does not hear of.

use noclobber::prelude::*;
use noclobber::{Error, Result, transaction};

use crate::aggregates::{Order, OrderLine, PEN, REFERENCES, create_orders, everything};
use crate::support::on_every_database;

/// What an order may come to, whoever adds to it: a rule about all of its lines.
const LIMIT: i32 = 35;

on_every_database! {
    /// The order was as it had been, although its lines were not.
    fn who_has_loaded_a_root_is_told_of_a_change_of_its_children(conn) {
        type Write = fn(OrderLine, &mut Conn) -> Result<()>;
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let writes: [(&str, Write); 5] = [
            ("saved", |line, conn| line.of(11).save(conn).map(drop)),
            ("created", |line, conn| OrderLine::create_in(line.order_id, PEN, conn).map(drop)),
            ("moved away", |line, conn| line.move_to(2, conn).map(drop)),
            ("moved here", |_, conn| OrderLine::find(3, conn)?.move_to(1, conn).map(drop)),
            ("deleted", |_, conn| OrderLine::find(2, conn)?.delete(conn)),
        ];
        for (what, write) in writes {
            let order = Order::find(1, conn).unwrap();
            write(OrderLine::find(1, conn).unwrap(), conn).unwrap();
            let before = everything!(conn);
            let expected = order.version.to_string();
            type Late = fn(Order, &mut Conn) -> Result<()>;
            let late: [Late; 5] = [
                |order, conn| order.save(conn).map(drop),
                |order, conn| order.touch(conn).map(drop),
                |order, conn| order.delete(conn),
                |order, conn| order.save_with(conn, |order| order.create_child::<OrderLine, _>(PEN)).map(drop),
                |order, conn| transaction(conn, |conn| order.verify(conn)),
            ];
            for late in late {
                let error: Error = late(order.clone(), conn).unwrap_err();
                let conflict = error.conflict().unwrap();
                assert_eq!(conflict.record().to_string(), "orders 1", "{what}");
                assert_eq!(conflict.expected(), expected, "{what}");
                assert_eq!(everything!(conn), before, "{what}");
            }
        }
    }

    /// Nor when many were changed at once.
    fn a_batch_of_children_touches_every_root_that_it_has_a_child_of(conn) {
        type Write = fn(Vec<OrderLine>, &mut Conn) -> Result<()>;
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let writes: [Write; 4] = [
            |lines, conn| OrderLine::save_all(lines, conn).map(drop),
            |lines, conn| OrderLine::save_each(lines, conn).map(drop),
            |lines, conn| OrderLine::delete_each(lines.into_iter().skip(1), conn).map(drop),
            |lines, conn| OrderLine::delete_all(lines, conn),
        ];
        for (place, write) in writes.into_iter().enumerate() {
            let (orders, lines) = everything!(conn);
            write(lines, conn).unwrap();
            for (order, now) in orders.into_iter().zip(everything!(conn).0) {
                // The second order has lost its line before the last batch.
                let touched = place < 3 || order.version < now.version;
                assert_eq!(order.touch(conn).is_err(), touched);
            }
        }
    }

    /// Two lines were changed under one rule about both, and no version was in the way.
    fn two_who_change_different_children_under_one_rule_do_not_break_it_together(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let load = |conn: &mut Conn| {
            let order = Order::find(1, conn).unwrap();
            let mut lines = everything!(conn).1;
            lines.retain(|line| line.order_id == 1);
            (order, lines)
        };
        let add_five = |(order, lines): (Order, Vec<OrderLine>), place: usize, conn: &mut Conn| {
            let total: i32 = lines.iter().map(|line| line.quantity).sum();
            assert!(total + 5 <= LIMIT, "the rule is asked of what was loaded");
            let line = lines[place].clone();
            let quantity = line.quantity + 5;
            order.save_with(conn, |order| order.save_child(line.of(quantity)))
        };
        let (anns, bobs) = (load(conn), load(conn));
        add_five(anns, 0, conn).unwrap();
        let error: Error = add_five(bobs, 1, conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "orders 1");
        let total: i32 = load(conn).1.iter().map(|line| line.quantity).sum();
        assert_eq!(total, LIMIT);
    }
}
