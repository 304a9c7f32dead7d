//! A benchmark that does not do the work must fail: the rows are compared with what they must be.
//!
//! They are read through a connection that no contender has, so that only what was committed counts.

use chrono::NaiveDateTime;
use diesel::RunQueryDsl as _;
use diesel::query_dsl::LoadQuery;

use crate::Result;
use crate::workload::{
    AUTHOR, BODY, FIRST_VERSION, ID, PRICE, ROWS, VIEWS, documents, title, updated_at,
};

/// All columns of a row, in their order.
pub type Row = (i64, String, Option<String>, String, i64, f64, NaiveDateTime, i64);

/// Fails unless one row is what `saves` saves make of it and all others are as they were.
pub fn verify<C>(connection: &mut C, saves: i64) -> Result<()>
where
    documents::table: for<'query> LoadQuery<'query, C, Row>,
{
    let mut rows = documents::table.load(connection)?;
    rows.sort_by_key(|row| row.0);
    compare(&rows, saves)
}

fn compare(rows: &[Row], saves: i64) -> Result<()> {
    for (id, found) in (1..=ROWS).zip(rows) {
        let saves = if id == ID { saves } else { 0 };
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

    fn rows(saves: i64) -> Vec<Row> {
        let row = |id| expected(id, if id == ID { saves } else { 0 }).unwrap();
        (1..=ROWS).map(row).collect()
    }

    #[test]
    fn one_row_is_saved_and_the_others_are_not() {
        assert!(compare(&rows(3), 3).is_ok());
        assert!(compare(&rows(3), 4).is_err());
    }

    #[test]
    fn a_save_of_another_row_is_noticed() {
        let mut rows = rows(3);
        rows[0].7 += 1;
        let message = compare(&rows, 3).unwrap_err().to_string();
        assert!(message.starts_with("after 0 saves the row must be (1, "), "{message}");
    }

    #[test]
    fn a_lost_row_is_noticed() {
        let mut rows = rows(3);
        rows.pop();
        let message = compare(&rows, 3).unwrap_err().to_string();
        assert_eq!(message, "the table must have 1000 rows, but it has 999");
    }
}
