//! Medians with their confidence bounds.
//!
//! The bounds are order statistics: how many of n values lie below the true median is binomially
//! distributed whatever the values' own distribution is, and timings on a busy machine follow none
//! that has a name.

/// The fewest values from which 95 % bounds can be told.
pub const FEWEST: usize = 6;

/// The most values for which 0.5ⁿ is still a normal number.
pub const MOST: usize = 1_000;

/// A median and its 95 % confidence bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Estimate {
    /// `None` when there are fewer values than `FEWEST` or more than `MOST`.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        let beyond = beyond_bounds(values.len())?;
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { lower: values[beyond], median, upper: values[values.len() - 1 - beyond] })
    }
}

/// How many of `count` sorted values lie outside the bounds on each side: the most for which that
/// many or fewer fall below the true median with a probability of no more than 2.5 %.
fn beyond_bounds(count: usize) -> Option<usize> {
    const EACH_SIDE: f64 = 0.025;

    if !(FEWEST..=MOST).contains(&count) {
        return None;
    }
    let count = count as f64;
    let mut below = 0;
    let mut exactly = 0.5_f64.powf(count);
    let mut at_most = exactly;
    loop {
        exactly *= (count - below as f64) / (below as f64 + 1.0);
        at_most += exactly;
        if at_most > EACH_SIDE {
            return Some(below);
        }
        below += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_published_tables() {
        // Ranks of the lower bound, less one.
        for (count, beyond) in [(6, 0), (8, 0), (9, 1), (10, 1), (20, 5), (50, 17), (100, 39)] {
            assert_eq!(beyond_bounds(count), Some(beyond), "{count} values");
        }
    }

    #[test]
    fn bounds_need_enough_values_and_not_too_many() {
        assert_eq!(beyond_bounds(FEWEST - 1), None);
        assert_eq!(beyond_bounds(MOST + 1), None);
        assert!(beyond_bounds(MOST).is_some_and(|beyond| (460..475).contains(&beyond)));
    }

    #[test]
    fn an_estimate_does_not_depend_on_the_order() {
        let values = vec![9.0, 1.0, 5.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 10.0];
        assert_eq!(Estimate::of(values), Some(Estimate { lower: 2.0, median: 5.5, upper: 9.0 }));
    }
}
