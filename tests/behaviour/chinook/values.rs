//! The values of Chinook that are more than text and numbers: a key of two columns, decimals,
//! dates, and a table that refers to itself.

use bigdecimal::{BigDecimal, ToPrimitive};
use chrono::NaiveDate;
use diesel::prelude::*;
use noclobber::Found;
use noclobber::prelude::*;

use super::database::{on_every_copy, on_every_server};
use super::date_time::Moment;
use super::models::{Employee, Invoice, PlaylistTrack, Track};
use super::schema::employee;
use super::sqlite;
use crate::support::Journal;

on_every_copy! {
    fn a_delete_spares_the_rows_that_share_half_of_its_key(chinook) {
        let conn = &mut chinook.connect();
        let mut left = bits("PlaylistTrack", conn);
        let loaded = PlaylistTrack::find((1, 3402), conn).unwrap();

        loaded.clone().delete(conn).unwrap();

        // The literal of a number has quotes on the servers.
        left.retain(|row| row.replace('\'', "") != "PlaylistId: 1, TrackId: 3402");
        assert_eq!(left.len(), 8714);
        assert_eq!(bits("PlaylistTrack", conn), left);
        let again = loaded.delete(conn).unwrap_err();
        assert_eq!(*again.conflict().unwrap().found(), Found::Deleted);
    }

    fn a_date_is_read_and_written_as_it_stands_there(chinook) {
        let conn = &mut chinook.connect();
        let employee = Employee::find(1, conn).unwrap();
        let born = NaiveDate::from_ymd_opt(1962, 2, 18).unwrap().and_hms_opt(0, 0, 0);
        assert_eq!(employee.birth_date, born.map(Moment));
        assert_eq!(value("Employee", 1, "BirthDate", conn), "'1962-02-18 00:00:00'");

        let hired = NaiveDate::from_ymd_opt(2002, 8, 15).unwrap().and_hms_opt(9, 30, 0);
        let saved = Employee { hire_date: hired.map(Moment), ..employee }.save(conn).unwrap();
        assert_eq!(value("Employee", 1, "BirthDate", conn), "'1962-02-18 00:00:00'");
        assert_eq!(value("Employee", 1, "HireDate", conn), "'2002-08-15 09:30:00'");

        Employee { birth_date: None, ..saved }.save(conn).unwrap();
        assert_eq!(value("Employee", 1, "BirthDate", conn), "NULL");
    }

    fn an_employee_comes_to_report_to_somebody_else(chinook) {
        let conn = &mut chinook.connect();
        let manager = Employee::find(2, conn).unwrap();
        let reports = |manager: &Employee, conn: &mut Conn| -> Vec<i32> {
            Employee::belonging_to(manager)
                .order(employee::employee_id)
                .select(employee::employee_id)
                .load(conn)
                .unwrap()
        };
        assert_eq!(reports(&manager, conn), [3, 4, 5]);

        let employee = Employee::find(4, conn).unwrap();
        Employee { reports_to: Some(6), ..employee.clone() }.save(conn).unwrap();
        assert_eq!(reports(&manager, conn), [3, 5]);

        // Who still has the old record does not send the employee back.
        let stale = Employee { title: Some("Sales Agent".into()), ..employee };
        assert!(stale.save(conn).unwrap_err().is_conflict());
        assert_eq!(reports(&manager, conn), [3, 5]);
    }
}

#[test]
fn a_decimal_is_the_double_that_sqlite_keeps() {
    let Some(chinook) = sqlite::Chinook::fresh(Journal::Wal) else { return };
    let conn = &mut chinook.connect();
    let price = Track::find(1, conn).unwrap().unit_price;
    let cents: BigDecimal = "0.99".parse().unwrap();
    // SQLite has no decimals. What is read is the nearest double, with all its digits; written
    // back it is the same double again, so a save that changes nothing changes no bit.
    assert_ne!(price, cents);
    assert_eq!(price.to_f64(), Some(0.99));
    assert_eq!(price.round(2), cents);

    // The same the other way round: a decimal is stored as the double nearest to it, and a whole
    // number as an integer, as in every NUMERIC column.
    let stored = "SELECT typeof(Total) || ' ' || quote(Total) AS line FROM Invoice \
                  WHERE InvoiceId = 1";
    for (total, expected) in [("13.86", "real 13.86"), ("14.00", "integer 14")] {
        let invoice = Invoice::find(1, conn).unwrap();
        let saved = Invoice { total: total.parse().unwrap(), ..invoice }.save(conn).unwrap();
        assert_eq!(sqlite::lines(stored, conn), [expected]);
        assert_eq!(saved.reload(conn).unwrap().total.round(2), saved.total);
    }
}

on_every_server! {
    fn a_decimal_is_the_decimal_that_a_server_keeps(chinook) {
        let conn = &mut chinook.connect();
        let price = Track::find(1, conn).unwrap().unit_price;
        assert_eq!(price, "0.99".parse::<BigDecimal>().unwrap());

        for (total, expected) in [("13.86", "'13.86'"), ("14", "'14.00'")] {
            let invoice = Invoice::find(1, conn).unwrap();
            let saved = Invoice { total: total.parse().unwrap(), ..invoice }.save(conn).unwrap();
            assert_eq!(value("Invoice", 1, "Total", conn), expected);
            assert_eq!(saved.reload(conn).unwrap(), saved);
        }
    }
}

/// Why [`Moment`] is not a `Timestamp` everywhere.
#[cfg(feature = "mysql")]
#[test]
fn mariadb_makes_null_of_a_birthday_that_is_bound_as_a_timestamp() {
    use diesel::sql_types::{Datetime, Timestamp};

    use super::mysql;

    let Some(chinook) = mysql::Chinook::fresh() else { return };
    let conn = &mut chinook.connect();
    let born = NaiveDate::from_ymd_opt(1969, 12, 28).unwrap().and_hms_opt(12, 0, 0).unwrap();
    let update = "UPDATE Employee SET BirthDate = ? WHERE EmployeeId = 1";

    diesel::sql_query(update).bind::<Timestamp, _>(born).execute(conn).unwrap();
    assert_eq!(mysql::value("Employee", 1, "BirthDate", conn), "NULL");

    diesel::sql_query(update).bind::<Datetime, _>(born).execute(conn).unwrap();
    assert_eq!(mysql::value("Employee", 1, "BirthDate", conn), "'1969-12-28 12:00:00'");
}
