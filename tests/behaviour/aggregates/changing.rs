//! `save_with`: the guarded write of the root, and then its children.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found, Result, transaction};

use super::{
    DELETE_LINE, INSERT_LINE, Order, OrderLine, PATCH_LINE, PEN, REFERENCES, SAVE_LINE, SAVE_ROOT,
    TOUCH_LINE, create_orders, everything, order, order_lines, writes,
};
use crate::support::{Witness, on_every_database};

on_every_database! {
    fn the_root_is_written_first_and_once_and_each_child_in_its_root(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        let [pencil, paper] = lines.try_into().unwrap();
        let witness = Witness::of(conn);
        let changed = ann.save_with(conn, |order| -> Result<_> {
            assert_eq!((order.id, order.version), (1, 2));
            let pencil = order.save_child(pencil.of(11))?;
            let pencil = order.touch_child(pencil)?;
            let version = order.patch_child::<OrderLine, _>(
                pencil.id, pencil.version, order_lines::quantity.eq(12),
            )?;
            order.delete_child(paper)?;
            let pen = order.create_child::<OrderLine, _>(PEN)?;
            Ok((OrderLine { version, ..pencil.of(12) }, pen))
        });
        let (ann, (pencil, pen)) = changed.unwrap();
        let insert = format!("{INSERT_LINE}{RETURNING}");
        assert_eq!(
            writes(&witness),
            [SAVE_ROOT, SAVE_LINE, TOUCH_LINE, PATCH_LINE, DELETE_LINE, &insert]
        );
        assert_eq!((ann.version, pencil.version, pen.version, pen.order_id), (2, 4, 1, 1));
        assert_eq!(order!(1, conn), (ann, vec![pencil, pen]));
    }

    fn it_is_one_transaction(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        let witness = Witness::of(conn);
        ann.save_with(conn, |order| lines.into_iter().try_for_each(|line| {
            order.save_child(line).map(drop)
        })).unwrap();
        let sent = witness.sent();
        assert_eq!(
            sent.iter().map(String::as_str).collect::<Vec<_>>(),
            ["BEGIN", AFTER_BEGIN, SAVE_ROOT, SAVE_LINE, SAVE_LINE,
             "RELEASE SAVEPOINT noclobber_alive", "COMMIT"]
        );
    }

    fn the_roots_own_fields_are_saved_with_it(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        let eve = Order { customer: "Eve".into(), ..ann };
        let (eve, ()) = eve.save_with(conn, |_| Ok::<_, Error>(())).unwrap();
        assert_eq!(eve, Order { id: 1, customer: "Eve".into(), version: 2 });
        assert_eq!(order!(1, conn), (eve, lines));
    }

    fn of_two_who_change_different_children_the_second_is_told_of_the_root(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        let [pencil, paper] = lines.try_into().unwrap();
        let late = ann.clone();
        ann.save_with(conn, |order| order.save_child(pencil.of(11))).unwrap();
        let before = everything!(conn);
        let witness = Witness::of(conn);
        let error = late.save_with(conn, |order| order.save_child(paper.of(21))).unwrap_err();
        assert_eq!(writes(&witness), [SAVE_ROOT]);
        let conflict = error.conflict().unwrap();
        assert_eq!(conflict.record().to_string(), "orders 1");
        assert_eq!(conflict.expected(), "1");
        assert_eq!(*conflict.found(), Found::Version("2".into()));
        assert_eq!(everything!(conn), before);
    }

    fn a_stale_child_is_told_of_itself_and_takes_the_root_back(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, lines) = order!(1, conn);
        let stale = lines[0].clone();
        let (ann, _) = ann.save_with(conn, |order| order.touch_child(stale.clone())).unwrap();
        let before = everything!(conn);
        let changed = ann.clone().save_with(conn, |order| {
            order.save_child(lines[1].clone().of(99))?;
            order.save_child(stale.of(99))
        });
        let error: Error = changed.unwrap_err();
        let conflict = error.conflict().unwrap();
        assert_eq!(conflict.record().to_string(), "order_lines 1");
        assert_eq!(*conflict.found(), Found::Version("2".into()));
        assert_eq!(everything!(conn), before);
        assert!(is_outside(conn));
    }

    fn inside_a_transaction_it_is_a_savepoint(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        transaction(conn, |conn| {
            let (ann, lines) = order!(1, conn);
            let stale = OrderLine { version: 7, ..lines[1].clone() };
            let refused = ann.save_with(conn, |order| {
                order.save_child(lines[0].clone().of(99))?;
                order.save_child(stale)
            });
            let error: Error = refused.unwrap_err();
            assert!(error.is_conflict());
            // Ignored, and nothing of it is committed.
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(everything!(conn), before);
    }

    fn an_error_of_the_work_comes_back_and_nothing_is_written(conn) {
        #[derive(Debug)]
        enum Refused {
            ByUs,
            Other,
        }
        impl From<Error> for Refused {
            fn from(_: Error) -> Self {
                Refused::Other
            }
        }
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        let (ann, lines) = order!(1, conn);
        let refused = ann.save_with(conn, |order| -> Result<(), _> {
            for line in lines {
                order.save_child(line.of(99))?;
            }
            Err(Refused::ByUs)
        });
        assert!(matches!(refused, Err(Refused::ByUs)));
        assert_eq!(everything!(conn), before);
    }

    fn a_child_of_another_root_is_refused(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let before = everything!(conn);
        let (ann, ink) = (order!(1, conn).0, order!(2, conn).1.remove(0));
        // Also when the field was changed to pretend.
        let pretends = OrderLine { order_id: 1, ..ink.clone() };
        let quantity = order_lines::quantity.eq(99);
        let refused = [
            ann.clone().save_with(conn, |order| order.save_child(ink.clone()).map(drop)),
            ann.clone().save_with(conn, |order| order.save_child(pretends).map(drop)),
            ann.clone().save_with(conn, |order| order.touch_child(ink.clone()).map(drop)),
            ann.clone().save_with(conn, |order| order.delete_child(ink.clone())),
            ann.save_with(conn, |order| {
                order.patch_child::<OrderLine, _>(ink.id, ink.version, quantity).map(drop)
            }),
        ];
        for answer in refused {
            let Err(Error::OfAnotherRoot { record, root }) = answer else { panic!("{answer:?}") };
            assert_eq!((record.to_string(), root.to_string()), ("order_lines 3".into(), "orders 1".into()));
        }
        assert_eq!(everything!(conn), before);
    }

    fn a_patch_that_would_take_the_child_away_is_refused_and_undone(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, _) = order!(1, conn);
        let changes = (order_lines::order_id.eq(2), order_lines::quantity.eq(99));
        // Whoever goes on after the error commits nothing of the patch.
        ann.save_with(conn, |order| {
            let refused = order.patch_child::<OrderLine, _>(1, 1, changes);
            assert!(matches!(refused, Err(Error::OfAnotherRoot { .. })), "{refused:?}");
            Ok::<_, Error>(())
        })
        .unwrap();
        let (_, lines) = order!(1, conn);
        assert_eq!((lines[0].quantity, lines[0].version), (10, 1));
    }

    fn a_child_is_created_under_a_key_that_is_known(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, _) = order!(1, conn);
        let new = (order_lines::id.eq(70), PEN);
        let created = ann.save_with(conn, |order| order.create_child_with::<OrderLine, _>(70, new));
        let (_, pen) = created.unwrap();
        assert_eq!((pen.id, pen.order_id, pen.version), (70, 1, 1));
        assert_eq!(order!(1, conn).1.pop(), Some(pen));
    }

    fn who_saves_a_child_past_the_aggregate_has_a_stale_root_and_loses_nothing(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let (ann, mut lines) = order!(1, conn);
        let (ann, _) = ann.save_with(conn, |order| lines.remove(0).save(order.conn())).unwrap();
        assert_eq!((ann.version, order!(1, conn).0.version), (2, 3));
        assert!(ann.save(conn).unwrap_err().is_conflict());
    }
}
