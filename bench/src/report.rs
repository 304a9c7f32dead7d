//! The table that a measurement prints.

use comfy_table::{CellAlignment, Table, presets};

use crate::Result;
use crate::contender::Kind;
use crate::instructions::Instructions;
use crate::statistics::Estimate;
use crate::time::Timings;

/// What was measured of a save on SQLite.
pub struct Measured {
    pub memory: Timings,
    pub wal_file: Timings,
    /// Absent without valgrind.
    pub instructions: Option<Instructions>,
}

/// A row for each contender, comparable with the floor.
pub fn table(measured: &Measured) -> Result<Table> {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "contender",
        "in memory µs",
        "ratio (95 %)",
        "WAL file µs",
        "ratio (95 %)",
        "instructions",
    ]);
    for &kind in Kind::all() {
        table.add_row([
            kind.label().to_owned(),
            format!("{:.2}", measured.memory.of(kind)?.median),
            with_bounds(&measured.memory.ratio(kind, Kind::FLOOR)?),
            format!("{:.2}", measured.wal_file.of(kind)?.median),
            with_bounds(&measured.wal_file.ratio(kind, Kind::FLOOR)?),
            instructions(measured, kind)?,
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Ok(table)
}

pub fn with_bounds(estimate: &Estimate) -> String {
    format!("{:.2} ({:.2}–{:.2})", estimate.median, estimate.lower, estimate.upper)
}

fn instructions(measured: &Measured, kind: Kind) -> Result<String> {
    match &measured.instructions {
        Some(instructions) => Ok(format!("{:.1} k", instructions.of(kind)? / 1e3)),
        None => Ok("–".to_owned()),
    }
}
