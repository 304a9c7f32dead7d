//! One contender on one database, from its set-up to the proof that it did the work.

use std::time::{Duration, Instant};

use crate::Result;
use crate::contender::{Contender, Kind};
use crate::database::{Database, Place};
use crate::verify;

pub struct Run {
    kind: Kind,
    // Before the database: the connection is closed before its file is removed.
    contender: Box<dyn Contender>,
    database: Database,
    saved: i64,
}

impl Run {
    pub fn start(kind: Kind, place: Place) -> Result<Self> {
        let database = Database::create(place)?;
        let contender = kind.set_up(&database).map_err(|error| named(kind, &error))?;
        database.check_journal()?;
        Ok(Self { kind, contender, database, saved: 0 })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn save(&mut self, saves: u32) -> Result<()> {
        self.contender.save(saves).map_err(|error| named(self.kind, &error))?;
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
        verify::verify(self.contender.as_mut(), &self.database, self.saved)
            .map_err(|error| named(self.kind, &error))
    }
}

fn named(kind: Kind, error: &dyn std::fmt::Display) -> Box<dyn std::error::Error> {
    format!("{}: {error}", kind.label()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_does_its_work() -> Result<()> {
        for place in [Place::Memory, Place::WalFile] {
            for &kind in Kind::all() {
                let mut run = Run::start(kind, place)?;
                run.save(1)?;
                run.time(4)?;
                run.finish()?;
            }
        }
        Ok(())
    }

    #[test]
    fn a_save_that_was_not_made_is_noticed() -> Result<()> {
        for &kind in Kind::all() {
            let mut run = Run::start(kind, Place::Memory)?;
            run.save(2)?;
            run.saved += 1;
            let message = run.finish().err().ok_or("nothing noticed")?.to_string();
            assert!(message.contains("3 saves"), "{message}");
        }
        Ok(())
    }

    #[test]
    fn a_save_by_somebody_else_is_not_overwritten() -> Result<()> {
        for &kind in Kind::all() {
            let mut run = Run::start(kind, Place::Memory)?;
            run.save(2)?;
            run.contender.execute_batch("UPDATE documents SET version = version + 1")?;
            assert!(run.save(1).is_err(), "{}", kind.label());
        }
        Ok(())
    }
}
