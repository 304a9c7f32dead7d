//! Two rows of different tables that change together, while others change one of them alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bigdecimal::BigDecimal;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};

use super::database::{Chinook, Journal};
use super::hot_row::think;
use super::models::{Invoice, InvoiceLine};
use super::schema::invoice_line;

type ConnectionPool = Pool<ConnectionManager<SqliteConnection>>;

/// The first invoice and its first line.
const INVOICE: i32 = 1;
const LINE: i32 = 1;
const ROUNDS: usize = 30;

#[test]
fn a_line_and_its_invoice_change_together_or_not_at_all() {
    let Some(chinook) = Chinook::fresh(Journal::WriteAheadLog) else { return };
    let conn = &mut chinook.connect();
    let pool = &chinook.pool(4);
    let before = Invoice::find(INVOICE, conn).unwrap();
    assert_eq!(before.total.round(2), sum_of_lines(conn).unwrap());

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
    // A transaction waits for the others before it reads: what it has read is never outdated.
    assert_eq!(runs.load(Ordering::Relaxed), 2 * ROUNDS, "no transaction had to run again");
    assert!(noted > ROUNDS, "only {noted} notes");

    let line = InvoiceLine::find(LINE, conn).unwrap();
    assert_eq!(usize::try_from(line.quantity).unwrap(), 1 + bought);
    assert_eq!(usize::try_from(line.version).unwrap(), 1 + bought);
    let invoice = Invoice::find(INVOICE, conn).unwrap();
    assert_eq!(invoice.total.round(2), sum_of_lines(conn).unwrap());
    let city = format!("{}{}", before.billing_city.unwrap(), "!".repeat(noted));
    assert_eq!(invoice.billing_city.unwrap(), city);
    assert_eq!(usize::try_from(invoice.version).unwrap(), 1 + bought + noted);
}

/// One piece more of the line, and its price to the total of the invoice. Who is not `resolute`
/// fails when the line is already written.
fn buy_one_more(
    resolute: bool,
    runs: &AtomicUsize,
    pool: &ConnectionPool,
) -> noclobber::Result<Invoice> {
    retry(pool, &Policy::default().on_conflict(), |conn| {
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
fn note_a_call(pool: &ConnectionPool) -> noclobber::Result<Invoice> {
    Invoice::modify(INVOICE, pool, |invoice| {
        invoice.billing_city.get_or_insert_default().push('!');
        think();
    })
}

/// What the lines of the invoice add up to, in cents.
fn sum_of_lines(conn: &mut SqliteConnection) -> QueryResult<BigDecimal> {
    let lines: Vec<InvoiceLine> =
        InvoiceLine::query().filter(invoice_line::invoice_id.eq(INVOICE)).load(conn)?;
    let sum: BigDecimal = lines.into_iter().map(|line| line.unit_price * line.quantity).sum();
    Ok(sum.round(2))
}
