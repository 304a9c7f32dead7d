//! The bars that have to be cleared, and whether they are.

use std::fmt;

use crate::contender::Kind::{
    self, CApiAlone, DieselOneByOne, DieselTransaction, NoclobberAlone, NoclobberBatch,
    NoclobberGuarded,
};
use crate::database::{Place, Product};
use crate::measured::{Measured, with_bounds};
use crate::statistics::Estimate;
use crate::subject::Subject;
use crate::time::Timings;
use crate::{Result, valgrind};

/// What a ratio is allowed to be.
#[derive(Debug, Clone, Copy)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl fmt::Display for Bar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(formatter, "≤ {most:.2}"),
            Self::AtLeast(least) => write!(formatter, "≥ {least:.2}"),
        }
    }
}

/// A ratio as it was measured.
#[derive(Debug, Clone, Copy)]
enum Ratio {
    /// Of instruction counts, which do not vary.
    Exact(f64),
    /// Of times, which do: it falls short only when its bounds leave no doubt.
    Estimated(Estimate),
}

impl Ratio {
    fn meets(self, bar: Bar) -> bool {
        match (self, bar) {
            (Self::Exact(ratio), Bar::AtMost(most)) => ratio <= most,
            (Self::Exact(ratio), Bar::AtLeast(least)) => ratio >= least,
            (Self::Estimated(ratio), Bar::AtMost(most)) => ratio.lower <= most,
            (Self::Estimated(ratio), Bar::AtLeast(least)) => ratio.upper >= least,
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(ratio) => write!(formatter, "{ratio:.2}"),
            Self::Estimated(ratio) => formatter.write_str(&with_bounds(ratio)),
        }
    }
}

/// A bar and what was measured for it.
pub struct Verdict {
    subject: &'static str,
    ratio: Ratio,
    bar: Bar,
}

impl Verdict {
    pub fn met(&self) -> bool {
        self.ratio.meets(self.bar)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, ratio, bar } = self;
        let met = if self.met() { "met" } else { "missed" };
        write!(formatter, "{subject}: {ratio}, bar {bar}: {met}")
    }
}

/// Judges a subject by the bars that it has on this product.
pub fn judge(subject: Subject, product: Product, measured: &Measured) -> Result<Vec<Verdict>> {
    match (subject, product) {
        (Subject::Save, Product::Sqlite) => sqlite(measured),
        (Subject::Locks, Product::Sqlite) => Ok(vec![Verdict {
            subject: "SQLite, WAL file, time, `save_locked` / `save`",
            ratio: guarded(measured.timings(Place::WalFile)?)?,
            bar: Bar::AtMost(2.0),
        }]),
        #[cfg(feature = "postgres")]
        (Subject::Save, Product::Postgres) => postgres(measured.timings(Place::Postgres)?),
        #[cfg(feature = "postgres")]
        (Subject::Locks, Product::Postgres) => Ok(vec![Verdict {
            subject: "PostgreSQL, time, `save_locked` / `save`",
            ratio: guarded(measured.timings(Place::Postgres)?)?,
            bar: Bar::AtMost(1.4),
        }]),
        (Subject::Batch, Product::Sqlite) => Ok(vec![Verdict {
            subject: "batch of 1000, SQLite, WAL file, time, hand-written Diesel / ours",
            ratio: batch(measured.timings(Place::WalFile)?, DieselOneByOne)?,
            bar: Bar::AtLeast(4.0),
        }]),
        #[cfg(feature = "postgres")]
        (Subject::Batch, Product::Postgres) => Ok(vec![Verdict {
            subject: "batch of 1000, PostgreSQL, time, `save` one by one / ours",
            ratio: batch(measured.timings(Place::Postgres)?, Kind::NoclobberOneByOne)?,
            bar: Bar::AtLeast(12.0),
        }]),
        #[cfg(feature = "mysql")]
        (Subject::Batch, Product::Mysql) => Ok(vec![Verdict {
            subject: "batch of 1000, MySQL, time, `save` one by one / ours",
            ratio: batch(measured.timings(Place::Mysql)?, Kind::NoclobberOneByOne)?,
            bar: Bar::AtLeast(4.0),
        }]),
        _ => Ok(Vec::new()),
    }
}

/// How many times as long another way takes to write the rows.
fn batch(timings: &Timings, other: Kind) -> Result<Ratio> {
    Ok(Ratio::Estimated(timings.ratio(other, NoclobberBatch)?))
}

/// What the proof of a lease makes of a save.
fn guarded(timings: &Timings) -> Result<Ratio> {
    Ok(Ratio::Estimated(timings.ratio(NoclobberGuarded, NoclobberAlone)?))
}

fn sqlite(measured: &Measured) -> Result<Vec<Verdict>> {
    let instructions = measured.instructions.as_ref().ok_or(valgrind::MISSING)?;
    let wal_file = measured.timings(Place::WalFile)?;
    Ok(vec![
        Verdict {
            subject: "SQLite save, in memory, instructions, ours / C API, both alone",
            ratio: Ratio::Exact(instructions.ratio(NoclobberAlone, CApiAlone)?),
            bar: Bar::AtMost(1.80),
        },
        Verdict {
            subject: "SQLite save, in memory, instructions, hand-written Diesel in its transaction \
                      / ours alone",
            ratio: Ratio::Exact(instructions.ratio(DieselTransaction, NoclobberAlone)?),
            bar: Bar::AtLeast(3.3),
        },
        Verdict {
            subject: "SQLite save, WAL file, time, ours / C API, both alone",
            ratio: Ratio::Estimated(wal_file.ratio(NoclobberAlone, CApiAlone)?),
            bar: Bar::AtMost(1.20),
        },
    ])
}

#[cfg(feature = "postgres")]
fn postgres(timings: &Timings) -> Result<Vec<Verdict>> {
    Ok(vec![
        Verdict {
            subject: "PostgreSQL save, time, ours / libpq, both alone",
            ratio: Ratio::Estimated(timings.ratio(NoclobberAlone, CApiAlone)?),
            bar: Bar::AtMost(1.25),
        },
        Verdict {
            subject: "PostgreSQL save, time, hand-written Diesel in its transaction / ours alone",
            ratio: Ratio::Estimated(timings.ratio(DieselTransaction, NoclobberAlone)?),
            bar: Bar::AtLeast(3.0),
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_ratio_is_judged_by_itself() {
        assert!(Ratio::Exact(1.80).meets(Bar::AtMost(1.80)));
        assert!(!Ratio::Exact(1.81).meets(Bar::AtMost(1.80)));
        assert!(Ratio::Exact(3.3).meets(Bar::AtLeast(3.3)));
        assert!(!Ratio::Exact(3.29).meets(Bar::AtLeast(3.3)));
    }

    #[test]
    fn an_estimate_falls_short_only_beyond_its_bounds() {
        let ratio = Ratio::Estimated(Estimate { lower: 1.1, median: 1.3, upper: 1.5 });
        assert!(ratio.meets(Bar::AtMost(1.2)));
        assert!(!ratio.meets(Bar::AtMost(1.0)));
        assert!(ratio.meets(Bar::AtLeast(1.4)));
        assert!(!ratio.meets(Bar::AtLeast(1.6)));
    }

    #[test]
    fn a_verdict_reads_as_a_line() {
        let mut verdict =
            Verdict { subject: "ours / floor", ratio: Ratio::Exact(1.5), bar: Bar::AtMost(1.8) };
        assert_eq!(verdict.to_string(), "ours / floor: 1.50, bar ≤ 1.80: met");
        verdict.ratio = Ratio::Estimated(Estimate { lower: 1.9, median: 2.0, upper: 2.1 });
        assert_eq!(verdict.to_string(), "ours / floor: 2.00 (1.90–2.10), bar ≤ 1.80: missed");
    }
}
