//! What was measured on one database, and the table that is printed of it.

use comfy_table::{CellAlignment, Table, presets};

use crate::Result;
use crate::database::{Place, Product};
use crate::instructions::Instructions;
use crate::statistics::Estimate;
use crate::subject::Subject;
use crate::time::Timings;
use crate::valgrind;

/// What was measured on one product.
pub struct Measured {
    subject: Subject,
    timings: Vec<(Place, Timings)>,
    /// Of SQLite only, and absent without valgrind.
    pub instructions: Option<Instructions>,
}

impl Measured {
    pub fn take(subject: Subject, product: Product, rounds: usize) -> Result<Self> {
        let timings = subject
            .places(product)?
            .iter()
            .map(|&place| Ok((place, Timings::take(subject, place, rounds)?)))
            .collect::<Result<_>>()?;
        let countable = subject.counts_instructions(product) && valgrind::is_installed();
        let instructions = countable.then(Instructions::count).transpose()?;
        Ok(Self { subject, timings, instructions })
    }

    pub fn timings(&self, place: Place) -> Result<&Timings> {
        let found = self.timings.iter().find(|(other, _)| *other == place);
        Ok(&found.ok_or("a place was not measured")?.1)
    }

    /// How much was done for each contender.
    pub fn extent(&self, rounds: usize) -> String {
        let Self { subject, timings, .. } = self;
        let times = timings.first().map_or(0, |(place, _)| subject.times_per_round(*place));
        format!("{rounds} rounds of {times} {}", subject.unit())
    }

    /// A row for each contender, comparable with the floor.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(self.header());
        let place = self.timings.first().ok_or("no place was measured")?.0;
        let entrants = self.subject.entrants(place);
        let floor = entrants.first().ok_or("nobody takes part")?.kind;
        for entrant in entrants {
            let mut row = vec![entrant.label.to_owned()];
            for (_, timings) in &self.timings {
                row.push(format!("{:.2}", timings.of(entrant.kind)?.median));
                row.push(with_bounds(&timings.ratio(entrant.kind, floor)?));
            }
            if let Some(instructions) = &self.instructions {
                row.push(format!("{:.1} k", instructions.of(entrant.kind)? / 1e3));
            }
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        Ok(table)
    }

    fn header(&self) -> Vec<String> {
        let mut header = vec!["contender".to_owned()];
        for (place, _) in &self.timings {
            header.push(format!("{} µs", place.label()));
            header.push("ratio (95 %)".to_owned());
        }
        if self.instructions.is_some() {
            header.push("instructions".to_owned());
        }
        header
    }
}

pub fn with_bounds(estimate: &Estimate) -> String {
    format!("{:.2} ({:.2}–{:.2})", estimate.median, estimate.lower, estimate.upper)
}
