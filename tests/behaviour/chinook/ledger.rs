//! The proof: what was acknowledged, held against what is in the rows in the end.

use std::collections::BTreeMap;

use noclobber::prelude::*;

use super::hot_row::{HotRow, Writer};
use super::models::{Customer, Invoice, Track};

/// The markers of the changes that the database acknowledged, by table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(BTreeMap<String, Vec<String>>);

impl Ledger {
    pub(crate) fn note(&mut self, table: &str, marker: &str) {
        self.0.entry(table.to_owned()).or_default().push(marker.to_owned());
    }

    pub(crate) fn add(&mut self, other: Ledger) {
        for (table, markers) in other.0 {
            self.0.entry(table).or_default().extend(markers);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.markers().count()
    }

    pub(crate) fn markers(&self) -> impl Iterator<Item = &String> {
        self.0.values().flatten()
    }

    fn of<M: HotRow>(&self) -> &[String] {
        self.0.get(M::TABLE).map_or(&[], Vec::as_slice)
    }
}

/// The hot rows at one time.
#[derive(Debug, Clone)]
pub(crate) struct HotRows {
    track: Track,
    customer: Customer,
    invoice: Invoice,
}

impl HotRows {
    pub(crate) fn load<C: Writer>(conn: &mut C) -> Self {
        HotRows {
            track: Track::find(Track::KEY, conn).unwrap(),
            customer: Customer::find(Customer::KEY, conn).unwrap(),
            invoice: Invoice::find(Invoice::KEY, conn).unwrap(),
        }
    }

    /// Fails unless the rows are what exactly the acknowledged changes make of those `before`.
    pub(crate) fn assert_changed_by(&self, acknowledged: &Ledger, before: &HotRows) {
        assert_changed_by(&self.track, acknowledged, &before.track);
        assert_changed_by(&self.customer, acknowledged, &before.customer);
        assert_changed_by(&self.invoice, acknowledged, &before.invoice);
    }

    /// The changes that are in the rows and not in the ledger.
    pub(crate) fn unacknowledged(&self, acknowledged: &Ledger, before: &HotRows) -> Ledger {
        let mut more = Ledger::default();
        note_unacknowledged(&self.track, acknowledged, &before.track, &mut more);
        note_unacknowledged(&self.customer, acknowledged, &before.customer, &mut more);
        note_unacknowledged(&self.invoice, acknowledged, &before.invoice, &mut more);
        more
    }
}

fn assert_changed_by<M: HotRow>(after: &M, acknowledged: &Ledger, before: &M) {
    let table = M::TABLE;
    let mut expected = acknowledged.of::<M>().to_vec();
    let mut found = markers(after, before);
    expected.sort();
    found.sort();
    let lost: Vec<_> = expected.iter().filter(|marker| !found.contains(marker)).collect();
    assert!(lost.is_empty(), "{table}: acknowledged, and not in the row: {lost:?}");
    assert_eq!(found, expected, "{table}: the changes in the row, and those acknowledged");

    let changes = i64::try_from(expected.len()).unwrap();
    assert_eq!(after.version() - before.version(), changes, "{table}: one version for each change");
    let grown_by = after.number().zip(before.number()).map(|(after, before)| after - before);
    assert_eq!(grown_by.unwrap_or(changes), changes, "{table}: each change adds one");
    let rest = after.clone().with_changes_of(before);
    assert_eq!(rest, *before, "{table}: nobody changed the other columns");
}

fn note_unacknowledged<M: HotRow>(after: &M, acknowledged: &Ledger, before: &M, more: &mut Ledger) {
    let known = acknowledged.of::<M>();
    let unknown = markers(after, before).into_iter().filter(|marker| !known.contains(marker));
    unknown.for_each(|marker| more.note(M::TABLE, &marker));
}

/// The markers behind the text that was there before, in the order they were written in.
fn markers<M: HotRow>(after: &M, before: &M) -> Vec<String> {
    let appended = after.text().strip_prefix(before.text()).unwrap();
    appended.split_inclusive(']').map(str::to_owned).collect()
}
