//! Many writers of a few aggregates at once: no deadlock, and nothing is lost.

use std::collections::BTreeMap;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::sync::mpsc::{Sender, channel};
use std::thread;

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found, Result};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use noclobber::{retry::Policy, transaction};

use super::{NewLine, Order, OrderLine, REFERENCES, create_orders, everything, order_lines};
use crate::support::{Barrier, on_every_shared_database};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::support::{Witness, wait_until};

const WRITERS: u64 = 6;
const ROUNDS: u64 = 40;

/// What somebody did to the orders, by their keys: how often each was bumped, and how much was added.
#[derive(Default)]
struct Done {
    bumps: BTreeMap<i64, i64>,
    added: i64,
    conflicts: usize,
}

impl Done {
    /// Takes down what was done to these orders, or that somebody was faster; there is no third answer.
    fn note<T>(&mut self, answer: Result<T>, orders: &[i64], added: i64) {
        match answer {
            Ok(_) => {
                self.added += added;
                for order in orders {
                    *self.bumps.entry(*order).or_default() += 1;
                }
            }
            Err(Error::ConcurrentModification(conflict)) => {
                assert!(matches!(conflict.found(), Found::Version(_) | Found::Deleted));
                self.conflicts += 1;
            }
            Err(error) => panic!("neither done nor refused: {error:?}"),
        }
    }
}

on_every_shared_database! {
    fn nobody_is_in_a_deadlock_and_every_change_is_there(database) {
        let conn = &mut database.connect();
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let pool = database.pool(u32::try_from(WRITERS).unwrap());
        let work = |writer: u64| {
            let conn = &mut *pool.get().unwrap();
            let mut done = Done::default();
            let mut random = fastrand_of(writer);
            for _ in 0..ROUNDS {
                let (orders, lines) = everything!(conn);
                let order = orders[random(2)].clone();
                let line = lines[random(lines.len())].clone();
                let (of, other) = (line.order_id, 3 - line.order_id);
                let quantity = line.quantity + 1;
                match random(6) {
                    0 => done.note(line.of(quantity).save(conn), &[of], 1),
                    1 | 2 => done.note(line.move_to(other, conn), &[of, other], 0),
                    3 => {
                        let new = NewLine { article: "pen", quantity: 1 };
                        done.note(OrderLine::create_in(of, new, conn), &[of], 1);
                    }
                    4 => {
                        let changes = order_lines::quantity.eq(quantity);
                        let patched = OrderLine::patch(line.id, line.version, changes, conn);
                        done.note(patched, &[of], 1);
                    }
                    _ => {
                        let of_it: Vec<OrderLine> =
                            lines.into_iter().filter(|line| line.order_id == order.id).collect();
                        let (id, added) = (order.id, i64::try_from(of_it.len()).unwrap());
                        let changed = order.save_with(conn, |order| -> Result<()> {
                            let mut saved = Vec::new();
                            // In the order in which nobody else comes by them.
                            for line in of_it.into_iter().rev() {
                                let quantity = line.quantity + 1;
                                saved.push(order.save_child(line.of(quantity))?);
                            }
                            // One of them goes, and its quantity to another one.
                            if let (Some(gone), Some(stays)) = (saved.pop(), saved.pop()) {
                                let quantity = stays.quantity + gone.quantity;
                                order.delete_child(gone)?;
                                order.save_child(stays.of(quantity))?;
                            }
                            Ok(())
                        });
                        done.note(changed, &[id], added);
                    }
                }
            }
            done
        };
        let done: Vec<Done> = thread::scope(|scope| {
            let work = &work;
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || work(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let (orders, lines) = everything!(conn);
        for order in orders {
            let bumps: i64 = done.iter().filter_map(|done| done.bumps.get(&order.id)).sum();
            assert_eq!(order.version, 1 + bumps);
        }
        let total: i64 = lines.iter().map(|line| i64::from(line.quantity)).sum();
        assert_eq!(total, 60 + done.iter().map(|done| done.added).sum::<i64>());
        assert!(done.iter().map(|done| done.added).sum::<i64>() > 0);
    }

    fn of_many_who_change_one_aggregate_at_once_exactly_one_is_first(database) {
        run(&create_orders(NUMBER_KEY, REFERENCES), &mut database.connect());
        let pool = database.pool(4);
        let (written, read) = (Barrier::new(4), Barrier::new(4));
        let work = |writer: usize| -> Vec<Result<(Order, OrderLine)>> {
            let conn = &mut *pool.get().unwrap();
            let round = |_| {
                written.wait();
                let order = Order::find(1, conn);
                // Each has a child of their own; the root is what they share.
                let new = (order_lines::article.eq("own"), order_lines::quantity.eq(writer as i32));
                read.wait();
                order?.save_with(conn, |order| order.create_child::<OrderLine, _>(new))
            };
            (0..10).map(round).collect()
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let work = &work;
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || work(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        for round in 0..10 {
            let of_round = answers.iter().map(|answers| &answers[round]);
            assert_eq!(of_round.clone().filter(|answer| answer.is_ok()).count(), 1);
            for error in of_round.filter_map(|answer| answer.as_ref().err()) {
                assert_eq!(error.conflict().unwrap().record().to_string(), "orders 1");
            }
        }
        let (orders, lines) = everything!(&mut database.connect());
        assert_eq!((orders[0].version, lines.len()), (11, 13));
    }
}

/// A number below the one that is asked for, and a different row of them for each writer.
fn fastrand_of(writer: u64) -> impl FnMut(usize) -> usize {
    let mut state = writer.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
crate::support::on_shared_servers! {
    /// An escalated attempt that holds the root it had, and not the one it has, begins anew.
    fn a_child_that_is_moved_while_a_modify_waits_for_its_root_is_changed_in_the_new_one(database) {
        let (mover, watcher) = (&mut database.connect(), &mut database.connect());
        run(&create_orders(NUMBER_KEY, REFERENCES), mover);
        let modify = |tell: Sender<i64>| {
            let conn = &mut database.connect();
            tell.send(session(conn)).unwrap();
            let witness = Witness::of(conn);
            let policy = Policy::default().escalate_after(0);
            let modified = OrderLine::try_modify(1, &mut *conn, &policy, |line| {
                line.quantity += 1;
                Ok::<_, Error>(())
            });
            let held = |sql: &&String| sql.starts_with(r#"SELECT "version" FROM "orders""#);
            (modified.unwrap(), witness.sent().iter().filter(held).count())
        };
        let (line, held) = thread::scope(|scope| {
            let (tell, told) = channel();
            let mut waiting = None;
            transaction(mover, |mover| {
                OrderLine::find(1, mover)?.move_to(2, mover)?;
                waiting = Some(scope.spawn(move || modify(tell)));
                let session = told.recv().unwrap();
                wait_until("the modify waits", || is_waiting(session, watcher));
                Ok::<_, Error>(())
            })
            .unwrap();
            waiting.unwrap().join().unwrap()
        });
        assert_eq!((line.order_id, line.quantity, line.version), (2, 11, 3));
        assert_eq!(held, 2, "the first root, and the second");
        let versions: Vec<i64> = everything!(mover).0.iter().map(|order| order.version).collect();
        assert_eq!(versions, [2, 3]);
    }
}
