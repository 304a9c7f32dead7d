//! libpq, alone.

use std::ffi::CStr;

use chrono::{NaiveDate, NaiveDateTime};

use super::Prepared;
use crate::Result;
use crate::database::Database;
use crate::postgres_c::Connection;
use crate::workload::{AUTHOR, BODY, ID, PRICE, UPDATE, VIEWS, title, updated_at};

const STATEMENT: &CStr = c"save";

pub struct Postgres {
    connection: Connection,
    /// As it is sent.
    updated_at: [u8; 8],
}

impl Prepared for Postgres {
    fn open(database: &dyn Database) -> Result<Self> {
        let connection = Connection::open(database.url())?;
        connection.execute_batch(database.set_up_sql())?;
        connection.prepare(STATEMENT, &numbered(UPDATE))?;
        Ok(Self { connection, updated_at: microseconds(updated_at()?)?.to_be_bytes() })
    }

    fn write(&mut self, version: i64) -> Result<u64> {
        let next_version = version + 1;
        self.connection.execute_prepared(
            STATEMENT,
            [
                title(next_version).as_bytes(),
                BODY.as_bytes(),
                AUTHOR.as_bytes(),
                &VIEWS.to_be_bytes(),
                &PRICE.to_be_bytes(),
                &self.updated_at,
                &next_version.to_be_bytes(),
                &ID.to_be_bytes(),
                &version.to_be_bytes(),
            ],
        )
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql)
    }
}

/// Puts `$1`, `$2` and so on in the place of each `?`.
fn numbered(sql: &str) -> String {
    let mut parts = sql.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (number, part) in (1..).zip(parts) {
        numbered += &format!("${number}{part}");
    }
    numbered
}

/// Since the beginning of 2000, from which PostgreSQL counts.
fn microseconds(timestamp: NaiveDateTime) -> Result<i64> {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let since = timestamp - epoch.ok_or("there is no beginning of 2000")?;
    since.num_microseconds().ok_or_else(|| "the timestamp is too far from 2000".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_in_their_order() {
        assert_eq!(numbered("SET a = ?, b = ? WHERE c = ?"), "SET a = $1, b = $2 WHERE c = $3");
        assert_eq!(numbered("COMMIT"), "COMMIT");
    }

    #[test]
    fn a_timestamp_is_counted_in_microseconds() -> Result<()> {
        // extract(epoch from timestamp '2024-05-17 09:30:15.123456' - timestamp '2000-01-01')
        assert_eq!(microseconds(updated_at()?)?, 769_253_415_123_456);
        Ok(())
    }
}
