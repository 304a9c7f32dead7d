//! A child that is written alone: its root's version moves on first, in one transaction.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found, Result, transaction};

use super::{
    BUMP, INSERT_LINE, Order, OrderLine, PATCH_LINE, PEN, REFERENCES, SAVE_LINE, TOUCH_LINE,
    create_orders, everything, order, order_lines, writes,
};
use crate::support::{Witness, on_databases_that_can_veto, on_every_database};

fn of_another_root(answer: Result<impl std::fmt::Debug>) -> (String, String) {
    match answer {
        Err(Error::OfAnotherRoot { record, root }) => (record.to_string(), root.to_string()),
        answer => panic!("{answer:?}"),
    }
}

on_every_database! {
    fn a_save_bumps_the_root_first_in_one_transaction(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, mut lines) = order!(1, conn);
        let witness = Witness::of(conn);
        let saved = lines.remove(0).of(11).save(conn).unwrap();
        let sent = witness.sent();
        assert_eq!(
            sent.iter().map(String::as_str).collect::<Vec<_>>(),
            ["BEGIN", AFTER_BEGIN, BUMP, SAVE_LINE, "RELEASE SAVEPOINT noclobber_alive", "COMMIT"]
        );
        assert_eq!((saved.version, saved.quantity), (2, 11));
        let (now, lines) = order!(1, conn);
        assert_eq!((now, &lines[0]), (Order { version: 2, ..ann }, &saved));
    }

    fn the_statements_are_prepared_once(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let mut line = OrderLine::find(1, conn).unwrap();
        let witness = Witness::of(conn);
        for quantity in 1..4 {
            line = line.of(quantity).save(conn).unwrap();
        }
        assert_eq!(witness.cached(), [BUMP, SAVE_LINE]);
    }

    fn every_write_of_a_child_makes_open_copies_of_the_root_stale(conn) {
        type Write = fn(OrderLine, &mut Conn);
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let writes: [(&str, Write); 8] = [
            ("save", |line, conn| drop(line.of(11).save(conn).unwrap())),
            ("touch", |line, conn| drop(line.touch(conn).unwrap())),
            ("patch", |line, conn| {
                let quantity = order_lines::quantity.eq(12);
                OrderLine::patch(line.id, line.version, quantity, conn).unwrap();
            }),
            ("modify", |line, conn| {
                OrderLine::modify(line.id, &mut *conn, |line| line.quantity += 1).unwrap();
            }),
            ("move_to", |line, conn| drop(line.move_to(2, conn).unwrap().move_to(1, conn).unwrap())),
            ("create_in", |_, conn| drop(OrderLine::create_in(1, PEN, conn).unwrap())),
            ("create_in_with", |_, conn| {
                let new = (order_lines::id.eq(70), PEN);
                OrderLine::create_in_with(1, 70, new, conn).unwrap();
            }),
            ("delete", |line, conn| line.delete(conn).unwrap()),
        ];
        for (name, write) in writes {
            let (open, lines) = order!(1, conn);
            write(lines[0].clone(), conn);
            let by = order!(1, conn).0.version - open.version;
            assert_eq!(by, if name == "move_to" { 2 } else { 1 }, "{name}");
            let error = open.save_with(conn, |_| Ok::<_, Error>(())).unwrap_err();
            assert_eq!(error.conflict().unwrap().record().to_string(), "orders 1", "{name}");
        }
    }

    fn a_touch_and_a_patch_and_a_create_write_the_root_first_too(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let witness = Witness::of(conn);
        OrderLine::find(1, conn).unwrap().touch(conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, TOUCH_LINE]);
        OrderLine::patch(1, 2, order_lines::quantity.eq(12), conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, PATCH_LINE]);
        let pen = OrderLine::create_in(1, PEN, conn).unwrap();
        assert_eq!(writes(&witness), [BUMP, &format!("{INSERT_LINE}{RETURNING}")]);
        assert_eq!((pen.order_id, pen.version), (1, 1));
        assert_eq!(order!(1, conn).1.pop(), Some(pen));
    }

    /// Nobody is refused for another child's sake.
    fn two_children_of_one_root_are_saved_by_two_who_do_not_know_of_each_other(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (_, lines) = order!(1, conn);
        for line in lines {
            line.of(50).save(conn).unwrap();
        }
        let (ann, lines) = order!(1, conn);
        assert_eq!(ann.version, 3);
        assert!(lines.iter().all(|line| (line.quantity, line.version) == (50, 2)));
    }

    fn a_stale_child_is_refused_and_its_root_stays(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let stale = OrderLine::find(1, conn).unwrap();
        stale.clone().touch(conn).unwrap();
        let before = everything!(conn);
        let quantity = order_lines::quantity.eq(99);
        let refused = [
            stale.clone().of(99).save(conn).map(drop),
            stale.clone().touch(conn).map(drop),
            stale.clone().delete(conn),
            OrderLine::patch(1, 1, quantity, conn).map(drop),
            stale.move_to(2, conn).map(drop),
        ];
        for answer in refused {
            let error = answer.unwrap_err();
            let conflict = error.conflict().unwrap();
            assert_eq!(conflict.record().to_string(), "order_lines 1");
            assert_eq!(*conflict.found(), Found::Version("2".into()));
        }
        assert_eq!(everything!(conn), before);
    }

    fn a_deleted_child_is_found_deleted_and_its_root_stays(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let gone = OrderLine::find(1, conn).unwrap();
        gone.clone().delete(conn).unwrap();
        let before = everything!(conn);
        let quantity = order_lines::quantity.eq(99);
        let refused =
            [gone.save(conn).map(drop), OrderLine::patch(1, 1, quantity, conn).map(drop)];
        for answer in refused {
            assert_eq!(*answer.unwrap_err().conflict().unwrap().found(), Found::Deleted);
        }
        assert_eq!(everything!(conn), before);
    }

    fn a_root_that_is_gone_is_said_to_be(conn) {
        run(&create_orders(NUMBER_KEY, ""), conn);
        let line = OrderLine::find(1, conn).unwrap();
        run("DELETE FROM orders WHERE id = 1", conn);
        let before = everything!(conn);
        let quantity = order_lines::quantity.eq(99);
        let refused = [
            line.clone().of(99).save(conn).map(drop),
            line.clone().touch(conn).map(drop),
            OrderLine::patch(1, 1, quantity, conn).map(drop),
            OrderLine::create_in(1, PEN, conn).map(drop),
            OrderLine::create_in_with(1, 70, (order_lines::id.eq(70), PEN), conn).map(drop),
            line.clone().move_to(2, conn).map(drop),
            OrderLine::find(3, conn).unwrap().move_to(1, conn).map(drop),
            line.delete(conn),
        ];
        for answer in refused {
            let error = answer.unwrap_err();
            assert!(error.is_not_found() && !error.is_conflict());
            assert_eq!(
                error.to_string(),
                "orders 1 does not exist, and a record of order_lines was to be written in it: \
                 nothing was written"
            );
        }
        assert_eq!(everything!(conn), before);
    }

    fn a_save_never_moves_a_child_whose_field_was_changed(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        let line = OrderLine { order_id: 2, ..OrderLine::find(1, conn).unwrap() };
        let told = ("order_lines 1".to_owned(), "orders 2".to_owned());
        assert_eq!(of_another_root(line.clone().save(conn)), told);
        assert_eq!(of_another_root(line.clone().touch(conn)), told);
        assert_eq!(of_another_root(line.delete(conn)), told);
        let mut attempts = 0;
        let modified = OrderLine::modify(1, &mut *conn, |line| {
            attempts += 1;
            line.order_id = 2;
        });
        assert_eq!((of_another_root(modified), attempts), (told, 1));
        assert_eq!(everything!(conn), before);
    }

    fn a_patch_never_moves_a_child(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        let changes = (order_lines::order_id.eq(2), order_lines::quantity.eq(99));
        let told = of_another_root(OrderLine::patch(1, 1, changes, conn));
        assert_eq!(told, ("order_lines 1".to_owned(), "orders 1".to_owned()));
        assert_eq!(everything!(conn), before);
    }

    fn a_child_that_was_moved_meanwhile_is_a_conflict(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let line = OrderLine::find(1, conn).unwrap();
        line.clone().move_to(2, conn).unwrap();
        let before = everything!(conn);
        let error = line.of(99).save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
        assert_eq!(everything!(conn), before);
    }

    fn a_child_that_was_moved_without_its_version_is_not_written(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let line = OrderLine::find(1, conn).unwrap();
        run("UPDATE order_lines SET order_id = 2 WHERE id = 1", conn);
        let before = everything!(conn);
        let told = of_another_root(line.of(99).save(conn));
        assert_eq!(told, ("order_lines 1".to_owned(), "orders 1".to_owned()));
        assert_eq!(everything!(conn), before);
    }

    fn an_increment_of_a_child_leaves_its_root_alone(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, _) = order!(1, conn);
        OrderLine::increment(1, order_lines::picked, 3, conn).unwrap();
        let (now, lines) = order!(1, conn);
        assert_eq!((now, lines[0].picked, lines[0].version), (ann, 3, 1));
    }

    fn a_refusal_that_is_ignored_inside_a_transaction_leaves_nothing_behind(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let stale = OrderLine { version: 7, ..OrderLine::find(1, conn).unwrap() };
        let before = everything!(conn);
        transaction(conn, |conn| {
            assert!(stale.save(conn).unwrap_err().is_conflict());
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(everything!(conn), before);
    }

    fn a_counter_of_the_root_at_its_maximum_is_never_wrapped(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        run("UPDATE orders SET version = 9223372036854775807 WHERE id = 1", conn);
        let before = everything!(conn);
        let error = OrderLine::find(1, conn).unwrap().of(99).save(conn).unwrap_err();
        let Error::VersionExhausted { record, version } = error else { panic!("{error:?}") };
        assert_eq!((record.to_string(), version.as_str()), ("orders 1".into(), "9223372036854775807"));
        assert_eq!(everything!(conn), before);
    }
}

on_databases_that_can_veto! {
    fn a_child_that_a_trigger_keeps_from_being_written_is_vetoed(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        run(&VETO.replace("documents", "order_lines"), conn);
        let before = everything!(conn);
        let error = OrderLine::find(1, conn).unwrap().of(99).save(conn).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Vetoed);
        assert_eq!(everything!(conn), before);
    }

    fn a_root_that_a_trigger_keeps_from_being_bumped_is_vetoed(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        run(&VETO.replace("documents", "orders"), conn);
        let before = everything!(conn);
        let error = OrderLine::find(1, conn).unwrap().of(99).save(conn).unwrap_err();
        let conflict = error.conflict().unwrap();
        assert_eq!(conflict.record().to_string(), "orders 1");
        assert_eq!((conflict.expected(), conflict.found()), ("1", &Found::Vetoed));
        assert_eq!(everything!(conn), before);
    }
}
