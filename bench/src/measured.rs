//! What was measured on one database, and the table that is printed of it.

use comfy_table::{CellAlignment, Table, presets};

use crate::Result;
use crate::database::{Place, Product};
use crate::instructions::Instructions;
use crate::statistics::Estimate;
use crate::time::Timings;
use crate::valgrind;

/// What was measured of a save on one product.
pub struct Measured {
    timings: Vec<(Place, Timings)>,
    /// Of SQLite only, and absent without valgrind.
    pub instructions: Option<Instructions>,
}

impl Measured {
    pub fn take(product: Product, rounds: usize) -> Result<Self> {
        let timings = product
            .places()?
            .iter()
            .map(|&place| Ok((place, Timings::take(place, rounds)?)))
            .collect::<Result<_>>()?;
        let countable = product == Product::Sqlite && valgrind::is_installed();
        let instructions = countable.then(Instructions::count).transpose()?;
        Ok(Self { timings, instructions })
    }

    pub fn timings(&self, place: Place) -> Result<&Timings> {
        let found = self.timings.iter().find(|(other, _)| *other == place);
        Ok(&found.ok_or("a place was not measured")?.1)
    }

    /// How much was done for each contender.
    pub fn extent(&self, rounds: usize) -> String {
        let saves = self.timings.first().map_or(0, |(place, _)| place.saves_per_round());
        format!("{rounds} rounds of {saves} saves")
    }

    /// A row for each contender, comparable with the floor.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(self.header());
        let entrants = self.timings.first().map_or(&[][..], |(place, _)| place.entrants());
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
