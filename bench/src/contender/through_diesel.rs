//! What the contenders on a connection of Diesel's have in common.

use diesel::Connection;

use super::Contender;
use crate::Result;
use crate::database::Database;

/// A way to work through a connection.
pub trait Way<C> {
    /// What is in hand between one time and the next: the document, or a lease on it.
    type InHand;

    /// Comes by what is in hand the first time.
    fn begin(connection: &mut C) -> Result<Self::InHand>;

    /// Works once, in whatever transactions.
    fn work(in_hand: Self::InHand, connection: &mut C) -> Result<Self::InHand>;

    fn work_times(
        mut in_hand: Self::InHand,
        times: u32,
        connection: &mut C,
    ) -> Result<Self::InHand> {
        for _ in 0..times {
            in_hand = Self::work(in_hand, connection)?;
        }
        Ok(in_hand)
    }
}

/// A contender that works in the way `W`.
pub struct Through<C, W: Way<C>> {
    connection: C,
    /// Nothing after a failure.
    in_hand: Option<W::InHand>,
}

impl<C: Connection, W: Way<C>> Contender for Through<C, W> {
    fn set_up(database: &dyn Database) -> Result<Self> {
        let mut connection = C::establish(database.url())?;
        connection.batch_execute(database.set_up_sql())?;
        let in_hand = Some(W::begin(&mut connection)?);
        Ok(Self { connection, in_hand })
    }

    fn work(&mut self, times: u32) -> Result<()> {
        let in_hand = self.in_hand.take().ok_or("it has failed before")?;
        self.in_hand = Some(W::work_times(in_hand, times, &mut self.connection)?);
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.batch_execute(sql)?)
    }
}
