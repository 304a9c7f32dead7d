//! One contender on one database, from its set-up to the proof that it did the work.

use std::time::{Duration, Instant};

use crate::Result;
use crate::contender::{Contender, Entrant, Kind};
use crate::database::{Database, Place};
use crate::verify::Expected;

pub struct Run {
    entrant: &'static Entrant,
    // Before the database: the connection is closed before its file or schema is removed.
    contender: Box<dyn Contender>,
    database: Box<dyn Database>,
    done: i64,
}

impl Run {
    pub fn start(entrant: &'static Entrant, place: Place) -> Result<Self> {
        let database = place.create()?;
        let contender = entrant.set_up(&*database).map_err(|error| named(entrant, &error))?;
        database.check_set_up()?;
        Ok(Self { entrant, contender, database, done: 0 })
    }

    pub fn kind(&self) -> Kind {
        self.entrant.kind
    }

    pub fn work(&mut self, times: u32) -> Result<()> {
        self.contender.work(times).map_err(|error| named(self.entrant, &error))?;
        self.done += i64::from(times);
        Ok(())
    }

    /// How long it takes to do the work `times` times.
    pub fn time(&mut self, times: u32) -> Result<Duration> {
        // A few that are not measured: the first ones after another contender's turn find
        // cold caches, and the first one after a checkpoint syncs the header of the log.
        const UNMEASURED: u32 = 8;

        if let Some(sql) = self.database.between_rounds_sql() {
            self.contender.execute_batch(sql)?;
        }
        self.work(UNMEASURED.min(times))?;
        let start = Instant::now();
        self.work(times)?;
        Ok(start.elapsed())
    }

    /// Fails unless the database holds the result of all of it.
    pub fn finish(mut self) -> Result<()> {
        let expected = Expected { effect: self.entrant.effect, times: self.done };
        self.database
            .verify(self.contender.as_mut(), expected)
            .map_err(|error| named(self.entrant, &error))
    }
}

fn named(entrant: &Entrant, error: &dyn std::fmt::Display) -> Box<dyn std::error::Error> {
    format!("{}: {error}", entrant.label).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Product;
    use crate::subject::Subject;
    use crate::verify::Effect;

    /// Every contender everywhere.
    fn all() -> Result<Vec<(&'static Entrant, Place)>> {
        let mut all = Vec::new();
        for subject in Subject::ALL {
            for product in Product::built_in() {
                for &place in subject.places(product)? {
                    all.extend(subject.entrants(place).iter().map(|entrant| (entrant, place)));
                }
            }
        }
        Ok(all)
    }

    #[test]
    fn every_contender_does_its_work() -> Result<()> {
        for (entrant, place) in all()? {
            let mut run = Run::start(entrant, place)?;
            run.work(1)?;
            run.time(4)?;
            run.finish()?;
        }
        Ok(())
    }

    #[test]
    fn work_that_was_not_done_is_noticed() -> Result<()> {
        for (entrant, place) in all()? {
            let mut run = Run::start(entrant, place)?;
            run.work(2)?;
            run.done += 1;
            let message = run.finish().err().ok_or("nothing noticed")?.to_string();
            assert!(message.contains("after 3 "), "{message}");
        }
        Ok(())
    }

    #[test]
    fn work_of_somebody_else_is_not_overwritten() -> Result<()> {
        const SAVE: &str = "UPDATE documents SET version = version + 1";
        const STEAL: &str = "UPDATE locks SET fence = fence + 1, owner = 'bob', acquired_at = 1, \
                             token = '00000000-0000-0000-0000-000000000000', \
                             expires_at = 9000000000000000";

        for (entrant, place) in all()? {
            let mut run = Run::start(entrant, place)?;
            run.work(2)?;
            let theirs = if matches!(entrant.effect, Effect::Saves | Effect::Batches) {
                SAVE
            } else {
                STEAL
            };
            run.contender.execute_batch(theirs)?;
            assert!(run.work(1).is_err(), "{}", entrant.label);
        }
        Ok(())
    }
}
