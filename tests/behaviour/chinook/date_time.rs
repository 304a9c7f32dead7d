//! The dates of Chinook, the same to its models on every database.
//!
//! Diesel's `Timestamp` is the right type for their columns on SQLite and PostgreSQL. On MySQL they are
//! a DATETIME, and MariaDB takes what is bound as a `Timestamp` for one of its TIMESTAMPs: outside of
//! 1970 to 2038 it makes NULL of it, without a word. Some of the shop's employees were born earlier.

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SqlType;

/// The type of a column: a date and a time of day, without a time zone.
///
/// Public, as what `table!` makes of it is.
#[derive(Debug, QueryId, SqlType)]
#[diesel(sqlite_type(name = "Text"))]
#[diesel(postgres_type(oid = 1114, array_oid = 1115))]
#[diesel(mysql_type(name = "DateTime"))]
pub struct DateTime;

/// What is in such a column.
#[derive(Debug, Clone, Copy, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = DateTime)]
pub(crate) struct Moment(pub(crate) NaiveDateTime);

/// Reads and writes it as Diesel does its own type for such a column.
macro_rules! as_diesel_does {
    ($DB:ty, $Theirs:ty) => {
        impl ToSql<DateTime, $DB> for Moment {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, $DB>) -> serialize::Result {
                <NaiveDateTime as ToSql<$Theirs, $DB>>::to_sql(&self.0, out)
            }
        }

        impl FromSql<DateTime, $DB> for Moment {
            fn from_sql(value: <$DB as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                <NaiveDateTime as FromSql<$Theirs, $DB>>::from_sql(value).map(Moment)
            }
        }
    };
}

as_diesel_does!(diesel::sqlite::Sqlite, diesel::sql_types::Timestamp);
#[cfg(feature = "postgres")]
as_diesel_does!(diesel::pg::Pg, diesel::sql_types::Timestamp);
#[cfg(feature = "mysql")]
as_diesel_does!(diesel::mysql::Mysql, diesel::sql_types::Datetime);
