//! `verify` and `verify_all`: what was read is still so, until commit.

use noclobber::prelude::*;
use noclobber::{Error, Found, transaction, verify_all};

use crate::aggregates::{Order, REFERENCES, create_orders};
use crate::support::{Document, Witness, on_every_database};

on_every_database! {
    fn a_fresh_record_is_verified(conn) {
        let draft = document("draft", conn);
        transaction(conn, |conn| {
            let witness = Witness::of(conn);
            draft.verify(conn)?;
            assert_eq!(witness.sent(), [format!("SELECT \"version\" FROM \"documents\" WHERE \"id\" = ?{HOLD}")]);
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    fn a_stale_record_is_a_conflict(conn) {
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        let error = transaction(conn, |conn| stale.verify(conn)).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
    }

    fn a_deleted_record_is_a_conflict(conn) {
        let stale = document("draft", conn);
        stale.clone().delete(conn).unwrap();
        let error = transaction(conn, |conn| stale.verify(conn)).unwrap_err();
        assert_eq!(*error.conflict().unwrap().found(), Found::Deleted);
    }

    fn a_record_that_is_going_to_be_written_is_held_for_that(conn) {
        let (read, written) = (document("read", conn), document("written", conn));
        transaction(conn, |conn| {
            let witness = Witness::of(conn);
            verify_all(&[&written.for_update(), &read], conn)?;
            let select = "SELECT \"version\" FROM \"documents\" WHERE \"id\" = ?";
            let (share, exclude) = (format!("{select}{HOLD}"), format!("{select}{HOLD_TO_WRITE}"));
            assert_eq!(witness.sent(), [share, exclude]);
            written.save(conn)
        })
        .unwrap();
    }

    /// Of two locks on one row, the weaker one first would be the deadlock that the order prevents.
    fn one_that_is_given_twice_is_taken_for_the_write_first(conn) {
        let draft = document("draft", conn);
        transaction(conn, |conn| {
            let witness = Witness::of(conn);
            verify_all(&[&draft, &draft.for_update()], conn)?;
            let sent = witness.sent();
            assert!(sent[0].ends_with(HOLD_TO_WRITE) && sent[1].ends_with(HOLD), "{sent:?}");
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    fn a_stale_record_that_was_to_be_written_is_a_conflict(conn) {
        let stale = document("draft", conn);
        stale.clone().touch(conn).unwrap();
        let error = transaction(conn, |conn| verify_all(&[&stale.for_update()], conn));
        assert_eq!(*error.unwrap_err().conflict().unwrap().found(), Found::Version("2".into()));
        assert!(matches!(verify_all(&[&stale.for_update()], conn), Err(Error::NotInTransaction)));
    }

    fn outside_a_transaction_it_would_hold_nothing(conn) {
        let draft = document("draft", conn);
        assert!(matches!(draft.verify(conn), Err(Error::NotInTransaction)));
        assert!(matches!(verify_all(&[&draft], conn), Err(Error::NotInTransaction)));
    }

    fn several_are_taken_in_the_same_order_by_everybody(conn) {
        let (a, b) = (document("a", conn), document("b", conn));
        transaction(conn, |conn| {
            b.clone().touch(conn)?;
            a.clone().touch(conn)?;
            for both in [[&a as _, &b as _], [&b as _, &a as _]] {
                let error = verify_all(&both, conn).unwrap_err();
                assert_eq!(error.conflict().unwrap().record().key(), a.id.to_string());
            }
            verify_all(&[], conn)
        })
        .unwrap();
    }

    fn records_of_several_tables_are_taken_by_table_and_then_by_key(conn) {
        run(&create_orders(NUMBER_KEY, REFERENCES), conn);
        let documents = [document("a", conn), document("b", conn)];
        let orders = [Order::find(1, conn).unwrap(), Order::find(2, conn).unwrap()];
        transaction(conn, |conn| {
            let witness = Witness::of(conn);
            // What is going to be written is in its place among the others.
            verify_all(&[&orders[1], &documents[1].for_update(), &orders[0], &documents[0]], conn)?;
            let of = |table, clause| format!("SELECT \"version\" FROM \"{table}\" WHERE \"id\" = ?{clause}");
            let expected = [
                of("documents", HOLD),
                of("documents", HOLD_TO_WRITE),
                of("orders", HOLD),
                of("orders", HOLD),
            ];
            assert_eq!(witness.sent(), expected);
            Ok::<_, Error>(())
        })
        .unwrap();
    }
}

/// What one connection verifies, and another one writes.
mod between_connections {
    use super::*;
    use crate::support::sqlite::{document, run};
    use crate::support::{Database, Journal};

    /// Two doctors are on call and one has to be. Each goes off call after seeing that the other is on.
    #[test]
    fn two_doctors_do_not_both_go_off_call() {
        for journal in [Journal::Wal, Journal::Delete] {
            let database = Database::file(journal);
            let (one, other) = (&mut database.connect(), &mut database.connect_impatient());
            let (ann, bob) = (document("on call", one), document("on call", one));

            let off_call = |doctor: &Document| Document { title: "off".into(), ..doctor.clone() };
            transaction(one, |one| {
                bob.verify(one)?;
                off_call(&ann).save(one)?;
                let meanwhile = transaction(other, |other| {
                    ann.verify(other)?;
                    off_call(&bob).save(other)
                });
                assert!(meanwhile.unwrap_err().is_retryable());
                Ok::<_, Error>(())
            })
            .unwrap();

            let late = transaction(other, |other| {
                ann.verify(other)?;
                off_call(&bob).save(other)
            });
            assert!(late.unwrap_err().is_conflict());
            assert_eq!(bob.reload(other).unwrap().title, "on call");
        }
    }

    /// Also when the transaction is Diesel's own, which begins without a lock.
    #[test]
    fn what_was_verified_in_a_deferred_transaction_cannot_change_before_its_write_is_committed() {
        use diesel::Connection;

        let database = Database::file(Journal::Wal);
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let (read, written) = (document("read", one), document("written", one));
        run("PRAGMA busy_timeout = 0", one);
        let answer = one.transaction(|one| {
            read.verify(one)?;
            read.clone().touch(other)?;
            written.clone().touch(one)
        });
        assert!(answer.unwrap_err().is_retryable());
        assert_eq!(written.reload(other).unwrap().version, 1);
    }
}
