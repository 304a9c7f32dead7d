//! Two rows of different tables that change together, while others change one of them alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bigdecimal::BigDecimal;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use noclobber::Store;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};

use super::database::on_every_copy;
use super::hot_row::think;
use super::models::{Invoice, InvoiceLine};
use super::schema::invoice_line;

/// The first invoice and its first line.
const INVOICE: i32 = 1;
const LINE: i32 = 1;
const ROUNDS: usize = 30;

on_every_copy! {
    fn a_line_and_its_invoice_change_together_or_not_at_all(chinook) {
        let conn = &mut chinook.connect();
        let pool = &chinook.pool(4);
        let before = Invoice::find(INVOICE, conn).unwrap();
        // What the lines of the invoice add up to, in cents.
        let sum_of_lines = |conn: &mut Conn| -> BigDecimal {
            let lines: Vec<InvoiceLine> = InvoiceLine::query()
                .filter(invoice_line::invoice_id.eq(INVOICE))
                .load(conn)
                .unwrap();
            let prices = lines.into_iter().map(|line| line.unit_price * line.quantity);
            prices.sum::<BigDecimal>().round(2)
        };
        assert_eq!(before.total.round(2), sum_of_lines(conn));

        let runs = &AtomicUsize::new(0);
        let (bought, noted) = thread::scope(|scope| {
            // Every third time a buyer thinks better of it.
            let buy = |round: usize| buy_one_more(!round.is_multiple_of(3), runs, pool).is_ok();
            let buyers =
                [(), ()].map(|()| scope.spawn(move || (0..ROUNDS).filter(|&n| buy(n)).count()));
            let clerk = || (0..ROUNDS).filter(|_| note_a_call(pool).is_ok()).count();
            let clerks = [(), ()].map(|()| scope.spawn(clerk));
            let count = |threads: [thread::ScopedJoinHandle<'_, usize>; 2]| -> usize {
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            };
            (count(buyers), count(clerks))
        });
        assert_eq!(bought, 2 * ROUNDS / 3 * 2, "who did not think better of it has bought");
        let runs = runs.load(Ordering::Relaxed);
        if ONE_WRITER_AT_A_TIME {
            assert_eq!(runs, 2 * ROUNDS, "no transaction had to run again");
        } else {
            assert!(runs > 2 * ROUNDS, "the transactions never met");
        }
        assert!(noted > ROUNDS, "only {noted} notes");

        let line = InvoiceLine::find(LINE, conn).unwrap();
        assert_eq!(usize::try_from(line.quantity).unwrap(), 1 + bought);
        assert_eq!(usize::try_from(line.version).unwrap(), 1 + bought);
        let invoice = Invoice::find(INVOICE, conn).unwrap();
        assert_eq!(invoice.total.round(2), sum_of_lines(conn));
        let city = format!("{}{}", before.billing_city.unwrap(), "!".repeat(noted));
        assert_eq!(invoice.billing_city.unwrap(), city);
        assert_eq!(usize::try_from(invoice.version).unwrap(), 1 + bought + noted);
    }
}

/// One piece more of the line, and its price to the total of the invoice. Who is not `resolute`
/// fails when the line is already written.
fn buy_one_more<C>(
    resolute: bool,
    runs: &AtomicUsize,
    pool: &Pool<ConnectionManager<C>>,
) -> noclobber::Result<Invoice>
where
    C: Store<Invoice> + Store<InvoiceLine> + R2D2Connection + 'static,
{
    // Where transactions meet, a buyer is not to give up in the crowd.
    let patient =
        Policy::default().attempts(10_000).deadline(Duration::from_secs(60)).on_conflict();
    retry(pool, &patient, |conn| {
        runs.fetch_add(1, Ordering::Relaxed);
        let line = InvoiceLine::find(LINE, conn)?;
        let line = InvoiceLine { quantity: line.quantity + 1, ..line }.save(conn)?;
        // There is no invoice 0.
        let invoice = Invoice::find(if resolute { INVOICE } else { 0 }, conn)?;
        think();
        Invoice { total: invoice.total + line.unit_price, ..invoice }.save(conn)
    })
}

/// A change of the invoice alone, outside any transaction, that a buyer can come before.
fn note_a_call<C>(pool: &Pool<ConnectionManager<C>>) -> noclobber::Result<Invoice>
where
    C: Store<Invoice> + R2D2Connection + 'static,
{
    Invoice::modify(INVOICE, pool, |invoice| {
        invoice.billing_city.get_or_insert_default().push('!');
        think();
    })
}
