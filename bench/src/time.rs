//! How long the work takes: contenders in turn, round after round, in one process.
//!
//! A machine's speed drifts by more than the contenders differ. Within one round it is the same for
//! all of them, so a ratio is taken round by round, and the order changes from round to round, so
//! that nobody always follows the same predecessor.

use std::collections::BTreeMap;

use crate::Result;
use crate::contender::Kind;
use crate::database::Place;
use crate::run::Run;
use crate::statistics::Estimate;
use crate::subject::Subject;

/// The microseconds that the work of each contender takes, one entry for each round.
pub struct Timings(BTreeMap<Kind, Vec<f64>>);

impl Timings {
    pub fn take(subject: Subject, place: Place, rounds: usize) -> Result<Self> {
        // The seed is fixed: every measurement has the same order of turns.
        let mut random = fastrand::Rng::with_seed(1);
        let times = subject.times_per_round(place);
        let mut runs = subject
            .entrants(place)
            .iter()
            .map(|entrant| Run::start(entrant, place))
            .collect::<Result<Vec<_>>>()?;
        let mut timings = BTreeMap::<Kind, Vec<f64>>::new();

        warm_up(&mut runs, times)?;
        for _ in 0..rounds {
            random.shuffle(&mut runs);
            for run in &mut runs {
                let elapsed = run.time(times)?;
                let once = elapsed.as_secs_f64() * 1e6 / f64::from(times);
                timings.entry(run.kind()).or_default().push(once);
            }
        }
        runs.into_iter().try_for_each(Run::finish)?;
        Ok(Self(timings))
    }

    /// Microseconds.
    pub fn of(&self, kind: Kind) -> Result<Estimate> {
        estimate(self.rounds(kind).to_vec())
    }

    /// How many times as long the work of `kind` takes as that of `base`.
    pub fn ratio(&self, kind: Kind, base: Kind) -> Result<Estimate> {
        let ratios =
            self.rounds(kind).iter().zip(self.rounds(base)).map(|(kind, base)| kind / base);
        estimate(ratios.collect())
    }

    fn rounds(&self, kind: Kind) -> &[f64] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }
}

fn warm_up(runs: &mut [Run], times: u32) -> Result<()> {
    runs.iter_mut().try_for_each(|run| run.time(times).map(drop))
}

fn estimate(values: Vec<f64>) -> Result<Estimate> {
    Estimate::of(values).ok_or_else(|| "this number of rounds gives no confidence bounds".into())
}
