//! One contender on one database, from its set-up to the proof that it did the work.

use std::time::{Duration, Instant};

use crate::Result;
use crate::contender::{Contender, Entrant, Kind};
use crate::database::{Database, Place};

pub struct Run {
    entrant: &'static Entrant,
    // Before the database: the connection is closed before its file or schema is removed.
    contender: Box<dyn Contender>,
    database: Box<dyn Database>,
    saved: i64,
}

impl Run {
    pub fn start(entrant: &'static Entrant, place: Place) -> Result<Self> {
        let database = place.create()?;
        let contender = entrant.set_up(&*database).map_err(|error| named(entrant, &error))?;
        database.check_set_up()?;
        Ok(Self { entrant, contender, database, saved: 0 })
    }

    pub fn kind(&self) -> Kind {
        self.entrant.kind
    }

    pub fn save(&mut self, saves: u32) -> Result<()> {
        self.contender.save(saves).map_err(|error| named(self.entrant, &error))?;
        self.saved += i64::from(saves);
        Ok(())
    }

    /// The time that `saves` saves take.
    pub fn time(&mut self, saves: u32) -> Result<Duration> {
        // A few saves that are not measured: the first ones after another contender's turn find
        // cold caches, and the first one after a checkpoint syncs the header of the log.
        const UNMEASURED: u32 = 8;

        if let Some(sql) = self.database.between_rounds_sql() {
            self.contender.execute_batch(sql)?;
        }
        self.save(UNMEASURED)?;
        let start = Instant::now();
        self.save(saves)?;
        Ok(start.elapsed())
    }

    /// Fails unless the database holds the result of every save.
    pub fn finish(mut self) -> Result<()> {
        self.database
            .verify(self.contender.as_mut(), self.saved)
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

    /// Every contender everywhere.
    fn all() -> Result<Vec<(&'static Entrant, Place)>> {
        let mut all = Vec::new();
        for product in Product::built_in() {
            for &place in product.places()? {
                all.extend(place.entrants().iter().map(|entrant| (entrant, place)));
            }
        }
        Ok(all)
    }

    #[test]
    fn every_contender_does_its_work() -> Result<()> {
        for (entrant, place) in all()? {
            let mut run = Run::start(entrant, place)?;
            run.save(1)?;
            run.time(4)?;
            run.finish()?;
        }
        Ok(())
    }

    #[test]
    fn a_save_that_was_not_made_is_noticed() -> Result<()> {
        for (entrant, place) in all()? {
            let mut run = Run::start(entrant, place)?;
            run.save(2)?;
            run.saved += 1;
            let message = run.finish().err().ok_or("nothing noticed")?.to_string();
            assert!(message.contains("3 saves"), "{message}");
        }
        Ok(())
    }

    #[test]
    fn a_save_by_somebody_else_is_not_overwritten() -> Result<()> {
        for (entrant, place) in all()? {
            let mut run = Run::start(entrant, place)?;
            run.save(2)?;
            run.contender.execute_batch("UPDATE documents SET version = version + 1")?;
            assert!(run.save(1).is_err(), "{}", entrant.label);
        }
        Ok(())
    }
}
