//! The rows that all writers change at once, and how their changes can be told apart.

use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use bigdecimal::{BigDecimal, ToPrimitive};
use diesel::prelude::*;
use noclobber::Versioned;
use noclobber::operation::StoreChanges;

use super::models::{Customer, Invoice, Track};
use super::schema::{customer, invoice, track};

/// A row that many writers change. A change puts its marker behind a text, and adds one to a number
/// where the table has one: what is in the row in the end tells which changes are in it.
pub(crate) trait HotRow:
    Versioned<Key = i32, Version = i64> + Debug + Clone + PartialEq + Send + Sync
{
    const KEY: i32 = 1;

    /// The columns that a change writes to.
    type Changes;

    /// Makes the change with this marker in memory.
    fn change(&mut self, marker: &str);

    /// The text that markers are appended to.
    fn text(&self) -> &str;

    /// What the changes add one to, counted in its smallest unit.
    fn number(&self) -> Option<i64>;

    /// The row with the text, the number and the version of another one.
    fn with_changes_of(self, other: &Self) -> Self;

    /// The changed columns alone, for a patch.
    fn changes(self) -> Self::Changes;
}

/// A connection through which all hot rows can be read, saved and patched.
pub(crate) trait Writer:
    StoreChanges<Track, TrackChanges>
    + StoreChanges<Customer, CustomerChanges>
    + StoreChanges<Invoice, InvoiceChanges>
{
}

impl<C> Writer for C where
    C: StoreChanges<Track, TrackChanges>
        + StoreChanges<Customer, CustomerChanges>
        + StoreChanges<Invoice, InvoiceChanges>
{
}

/// Time for somebody else to come between a load and what is written after it.
pub(crate) fn think() {
    thread::sleep(Duration::from_micros(200));
}

fn append(text: &mut Option<String>, marker: &str) {
    text.get_or_insert_default().push_str(marker);
}

#[derive(AsChangeset)]
#[diesel(table_name = track, treat_none_as_null = true)]
pub(crate) struct TrackChanges {
    composer: Option<String>,
    milliseconds: i32,
}

impl HotRow for Track {
    type Changes = TrackChanges;

    fn change(&mut self, marker: &str) {
        append(&mut self.composer, marker);
        self.milliseconds += 1;
    }

    fn text(&self) -> &str {
        self.composer.as_deref().unwrap_or_default()
    }

    fn number(&self) -> Option<i64> {
        Some(self.milliseconds.into())
    }

    fn with_changes_of(self, other: &Self) -> Self {
        let Track { composer, milliseconds, version, .. } = other.clone();
        Track { composer, milliseconds, version, ..self }
    }

    fn changes(self) -> TrackChanges {
        TrackChanges { composer: self.composer, milliseconds: self.milliseconds }
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = customer, treat_none_as_null = true)]
pub(crate) struct CustomerChanges {
    company: Option<String>,
}

impl HotRow for Customer {
    /// The second customer has no company: the first change turns a NULL into a text.
    const KEY: i32 = 2;

    type Changes = CustomerChanges;

    fn change(&mut self, marker: &str) {
        append(&mut self.company, marker);
    }

    fn text(&self) -> &str {
        self.company.as_deref().unwrap_or_default()
    }

    fn number(&self) -> Option<i64> {
        None
    }

    fn with_changes_of(self, other: &Self) -> Self {
        let Customer { company, version, .. } = other.clone();
        Customer { company, version, ..self }
    }

    fn changes(self) -> CustomerChanges {
        CustomerChanges { company: self.company }
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = invoice, treat_none_as_null = true)]
pub(crate) struct InvoiceChanges {
    billing_address: Option<String>,
    total: BigDecimal,
}

impl HotRow for Invoice {
    type Changes = InvoiceChanges;

    fn change(&mut self, marker: &str) {
        append(&mut self.billing_address, marker);
        // A cent.
        self.total += BigDecimal::new(1.into(), 2);
    }

    fn text(&self) -> &str {
        self.billing_address.as_deref().unwrap_or_default()
    }

    fn number(&self) -> Option<i64> {
        // SQLite keeps a double: the sum is right to the cent, and not to the last bit.
        (self.total.round(2) * BigDecimal::from(100)).to_i64()
    }

    fn with_changes_of(self, other: &Self) -> Self {
        let Invoice { billing_address, total, version, .. } = other.clone();
        Invoice { billing_address, total, version, ..self }
    }

    fn changes(self) -> InvoiceChanges {
        InvoiceChanges { billing_address: self.billing_address, total: self.total }
    }
}
