//! A benchmark that does not do the work must fail: the rows are compared with what they must be.
//!
//! They are read through a connection that no contender has, so that only what was committed counts.

use chrono::NaiveDateTime;
use diesel::dsl::{CountStar, Select, count_star};
use diesel::query_dsl::LoadQuery;
use diesel::{QueryDsl as _, RunQueryDsl as _};
use noclobber::schema::{lock_events, locks};

use crate::Result;
use crate::workload::{
    AUTHOR, BODY, FIRST_VERSION, ID, OWNER, PRICE, ROWS, VIEWS, documents, title, updated_at,
};

/// All columns of a row, in their order.
pub type Row = (i64, String, Option<String>, String, i64, f64, NaiveDateTime, i64);

/// What the work of a contender leaves in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A row at another version.
    Saves,
    /// All rows at another version.
    Batches,
    /// The same, and a lease that has not been renewed.
    GuardedSaves,
    /// A lease that has.
    Renewals,
    /// A lease that was taken and given back.
    Grants,
}

/// What has to be in the database: the effect of work that was done so often.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub effect: Effect,
    pub times: i64,
}

/// A lease, as far as it is verified: its fence, how often it was renewed, and its holder.
type LeaseRow = (i64, i64, Option<String>);
type LeaseColumns = (locks::fence, locks::renewals, locks::owner);

/// A connection through which the result can be read.
pub trait Verifiable {
    fn documents(&mut self) -> Result<Vec<Row>>;

    /// All leases, and how many events their history has.
    fn leases(&mut self) -> Result<(Vec<LeaseRow>, i64)>;
}

impl<C> Verifiable for C
where
    documents::table: for<'query> LoadQuery<'query, C, Row>,
    Select<locks::table, LeaseColumns>: for<'query> LoadQuery<'query, C, LeaseRow>,
    Select<lock_events::table, CountStar>: for<'query> LoadQuery<'query, C, i64>,
{
    fn documents(&mut self) -> Result<Vec<Row>> {
        Ok(documents::table.load(self)?)
    }

    fn leases(&mut self) -> Result<(Vec<LeaseRow>, i64)> {
        let columns = (locks::fence, locks::renewals, locks::owner);
        let leases = locks::table.select(columns).load(self)?;
        Ok((leases, lock_events::table.select(count_star()).get_result(self)?))
    }
}

/// Fails unless one row, and the lease on it, are what the work makes of them, and all other rows are
/// as they were.
pub fn verify(connection: &mut impl Verifiable, expected: Expected) -> Result<()> {
    let mut rows = connection.documents()?;
    rows.sort_by_key(|row| row.0);
    let saves = match expected.effect {
        Effect::Saves | Effect::GuardedSaves | Effect::Batches => expected.times,
        Effect::Renewals | Effect::Grants => 0,
    };
    let of_all = expected.effect == Effect::Batches;
    compare(&rows, |id| if of_all || id == ID { saves } else { 0 })?;
    match expected.effect {
        // Who takes no lease has no tables for them.
        Effect::Saves | Effect::Batches => Ok(()),
        Effect::GuardedSaves | Effect::Renewals | Effect::Grants => {
            compare_lease(connection, expected)
        }
    }
}

fn compare_lease(connection: &mut impl Verifiable, expected: Expected) -> Result<()> {
    let Expected { effect, times } = expected;
    let holder = || Some(OWNER.to_owned());
    let (lease, events) = match effect {
        Effect::Saves | Effect::Batches | Effect::GuardedSaves => ((1, 0, holder()), 1),
        Effect::Renewals => ((1, times, holder()), 1),
        // The row stays when a lease is given back; the history has both.
        Effect::Grants => ((times, 0, None), 2 * times),
    };
    let (expected, found) = ((vec![lease], events), connection.leases()?);
    if found == expected {
        return Ok(());
    }
    let (leases, events) = expected;
    let message = format!(
        "after {times} times of work ({effect:?}) the leases must be {leases:?} with {events} events, \
         but they are {found:?}"
    );
    Err(message.into())
}

/// `saves` tells how often a row was saved.
fn compare(rows: &[Row], saves: impl Fn(i64) -> i64) -> Result<()> {
    for (id, found) in (1..=ROWS).zip(rows) {
        let saves = saves(id);
        let expected = expected(id, saves)?;
        if *found != expected {
            let message =
                format!("after {saves} saves the row must be {expected:?}, but it is {found:?}");
            return Err(message.into());
        }
    }
    match rows.len() {
        count if i64::try_from(count) == Ok(ROWS) => Ok(()),
        count => Err(format!("the table must have {ROWS} rows, but it has {count}").into()),
    }
}

fn expected(id: i64, saves: i64) -> Result<Row> {
    let version = FIRST_VERSION + saves;
    Ok((
        id,
        title(version).to_owned(),
        Some(BODY.to_owned()),
        AUTHOR.to_owned(),
        VIEWS,
        PRICE,
        updated_at()?,
        version,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row saved so often.
    fn one(saves: i64) -> impl Fn(i64) -> i64 {
        move |id| if id == ID { saves } else { 0 }
    }

    fn rows(saves: i64) -> Vec<Row> {
        let row = |id| expected(id, if id == ID { saves } else { 0 }).unwrap();
        (1..=ROWS).map(row).collect()
    }

    #[test]
    fn one_row_is_saved_and_the_others_are_not() {
        assert!(compare(&rows(3), one(3)).is_ok());
        assert!(compare(&rows(3), one(4)).is_err());
        assert!(compare(&rows(3), |_| 3).is_err());
    }

    #[test]
    fn a_save_of_another_row_is_noticed() {
        let mut rows = rows(3);
        rows[0].7 += 1;
        let message = compare(&rows, one(3)).unwrap_err().to_string();
        assert!(message.starts_with("after 0 saves the row must be (1, "), "{message}");
    }

    #[test]
    fn a_lost_row_is_noticed() {
        let mut rows = rows(3);
        rows.pop();
        let message = compare(&rows, one(3)).unwrap_err().to_string();
        assert_eq!(message, "the table must have 1000 rows, but it has 999");
    }
}
