//! The types of MySQL and MariaDB.

use std::io::Write;

use bigdecimal::BigDecimal;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::mysql::{Mysql, MysqlValue};
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};
use noclobber::prelude::*;
use serde_json::{Value, json};

use super::assert_stored_alike;
use crate::support::{Witness, on_mysql};

mod sql {
    #[derive(Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(mysql_type(name = "Enum"))]
    pub struct Mood;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql::Mood;

    everything (id) {
        id -> BigInt,
        a_bool -> Nullable<Bool>,
        a_tiny -> Nullable<TinyInt>,
        an_unsigned_tiny -> Nullable<Unsigned<TinyInt>>,
        a_small -> Nullable<SmallInt>,
        an_integer -> Nullable<Integer>,
        an_unsigned -> Nullable<Unsigned<Integer>>,
        a_big -> Nullable<BigInt>,
        an_unsigned_big -> Nullable<Unsigned<BigInt>>,
        a_float -> Nullable<Float>,
        a_double -> Nullable<Double>,
        a_numeric -> Nullable<Numeric>,
        a_scaled -> Nullable<Numeric>,
        a_text -> Nullable<Text>,
        a_varchar -> Nullable<Varchar>,
        a_char -> Nullable<Char>,
        a_latin -> Nullable<Varchar>,
        bytes -> Nullable<Blob>,
        fixed_bytes -> Nullable<Binary>,
        a_date -> Nullable<Date>,
        a_time -> Nullable<Time>,
        a_datetime -> Nullable<Datetime>,
        a_coarse_datetime -> Nullable<Datetime>,
        a_timestamp -> Nullable<Timestamp>,
        a_json -> Nullable<Json>,
        a_mood -> Nullable<Mood>,
        version -> BigInt,
    }
}

const CREATE: &str = "
    CREATE TABLE everything (
        id BIGINT PRIMARY KEY, a_bool BOOL, a_tiny TINYINT, an_unsigned_tiny TINYINT UNSIGNED,
        a_small SMALLINT, an_integer INTEGER, an_unsigned INTEGER UNSIGNED, a_big BIGINT,
        an_unsigned_big BIGINT UNSIGNED, a_float FLOAT, a_double DOUBLE, a_numeric DECIMAL(40, 15),
        a_scaled DECIMAL(10, 2), a_text TEXT CHARACTER SET utf8mb4,
        a_varchar VARCHAR(20) CHARACTER SET utf8mb4, a_char CHAR(5),
        a_latin VARCHAR(20) CHARACTER SET latin1, bytes BLOB, fixed_bytes BINARY(4), a_date DATE,
        a_time TIME(6), a_datetime DATETIME(6), a_coarse_datetime DATETIME,
        a_timestamp TIMESTAMP(6) NULL, a_json JSON, a_mood ENUM ('sad', 'ok', 'so, so'),
        version BIGINT NOT NULL DEFAULT 1
    )";

#[derive(Debug, Clone, Copy, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Mood)]
enum Mood {
    Sad,
    SoSo,
}

impl ToSql<sql::Mood, Mysql> for Mood {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        out.write_all(match self {
            Mood::Sad => b"sad",
            Mood::SoSo => b"so, so",
        })?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Mood, Mysql> for Mood {
    fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            b"sad" => Ok(Mood::Sad),
            b"so, so" => Ok(Mood::SoSo),
            other => Err(format!("{other:?}").into()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, HasQuery, Versioned)]
#[diesel(table_name = everything, check_for_backend(Mysql))]
struct Everything {
    id: i64,
    a_bool: Option<bool>,
    a_tiny: Option<i8>,
    an_unsigned_tiny: Option<u8>,
    a_small: Option<i16>,
    an_integer: Option<i32>,
    an_unsigned: Option<u32>,
    a_big: Option<i64>,
    an_unsigned_big: Option<u64>,
    a_float: Option<f32>,
    a_double: Option<f64>,
    a_numeric: Option<BigDecimal>,
    a_scaled: Option<BigDecimal>,
    a_text: Option<String>,
    a_varchar: Option<String>,
    a_char: Option<String>,
    a_latin: Option<String>,
    bytes: Option<Vec<u8>>,
    fixed_bytes: Option<Vec<u8>>,
    a_date: Option<NaiveDate>,
    a_time: Option<NaiveTime>,
    a_datetime: Option<NaiveDateTime>,
    a_coarse_datetime: Option<NaiveDateTime>,
    a_timestamp: Option<NaiveDateTime>,
    a_json: Option<Value>,
    a_mood: Option<Mood>,
    version: i64,
}

fn decimal(text: &str) -> Option<BigDecimal> {
    Some(text.parse().unwrap())
}

fn everything() -> Vec<Everything> {
    let time = chrono::DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap().naive_utc();
    let full = Everything {
        id: 0,
        a_bool: Some(true),
        a_tiny: Some(i8::MIN),
        an_unsigned_tiny: Some(u8::MAX),
        a_small: Some(i16::MIN),
        an_integer: Some(i32::MAX),
        an_unsigned: Some(u32::MAX),
        a_big: Some(i64::MIN),
        an_unsigned_big: Some(u64::MAX),
        a_float: Some(0.1),
        a_double: Some(f64::MIN_POSITIVE),
        a_numeric: decimal("-1234567890123456789012345.000012345678901"),
        a_scaled: decimal("12345678.12"),
        a_text: Some("NULL, {\"quoted\"} \\ 'ß' \u{1F512}\n".into()),
        a_varchar: Some("20 \u{1F512}\u{1F512}\u{1F512} characters!".into()),
        a_char: Some("ab".into()),
        a_latin: Some("Grüße".into()),
        bytes: Some(vec![0, 255, 92, 39, 0xF0, 0x9F]),
        fixed_bytes: Some(vec![0, 255]),
        a_date: NaiveDate::from_ymd_opt(9999, 2, 28),
        a_time: NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999),
        a_datetime: Some(time),
        a_coarse_datetime: Some(time),
        a_timestamp: Some(time),
        a_json: Some(json!({ "b": [1, null, "x\u{1F512}"], "a": 1.50 })),
        a_mood: Some(Mood::SoSo),
        version: 1,
    };
    let other = Everything {
        a_bool: Some(false),
        an_unsigned_big: Some(0),
        a_big: Some(i64::MAX),
        a_float: Some(16_777_216.0),
        a_double: Some(-1.0e300),
        a_numeric: decimal("0.5"),
        a_scaled: decimal("-0.01"),
        a_text: Some(String::new()),
        a_varchar: Some(" trailing ".into()),
        bytes: Some(vec![]),
        // Without a fraction, as the first row of the batch would have it.
        a_time: NaiveTime::from_hms_opt(0, 0, 0),
        a_datetime: time.date().and_hms_opt(1, 2, 3),
        a_mood: Some(Mood::Sad),
        ..full.clone()
    };
    let finer = Everything { a_time: full.a_time, a_datetime: full.a_datetime, ..other.clone() };
    // Beginning with NULLs, from which no type is to be guessed.
    vec![Everything { version: 1, ..Everything::default() }, other, full, finer]
}

/// What a row is, byte for byte.
const ROW: &str = "
    CONCAT_WS('|', IFNULL(a_bool, '-'), IFNULL(a_tiny, '-'), IFNULL(an_unsigned_tiny, '-'),
    IFNULL(a_small, '-'), IFNULL(an_integer, '-'), IFNULL(an_unsigned, '-'), IFNULL(a_big, '-'),
    IFNULL(an_unsigned_big, '-'), IFNULL(CAST(a_float AS DOUBLE), '-'), IFNULL(a_double, '-'),
    IFNULL(a_numeric, '-'), IFNULL(a_scaled, '-'), IFNULL(HEX(a_text), '-'), IFNULL(HEX(a_varchar), '-'),
    IFNULL(HEX(a_char), '-'), IFNULL(HEX(a_latin), '-'), IFNULL(HEX(bytes), '-'),
    IFNULL(HEX(fixed_bytes), '-'), IFNULL(a_date, '-'), IFNULL(a_time, '-'), IFNULL(a_datetime, '-'),
    IFNULL(a_coarse_datetime, '-'), IFNULL(a_timestamp, '-'), IFNULL(HEX(a_json), '-'),
    IFNULL(a_mood, '-'))";

on_mysql! {
    fn everything_is_stored_as_single_saves_store_it(conn) {
        run(CREATE, conn);
        let witness = Witness::of(conn);
        let stored = assert_stored_alike!(Everything, "everything", ROW, everything(), conn);
        assert!(stored[2].contains("so, so") && stored[2].contains("23:59:59.999999"), "{stored:?}");
        let batches = witness.sent().iter().filter(|sql| sql.contains("UNION ALL")).count();
        assert_eq!(batches, 1);
    }

    /// What does not fit is refused, or changed, just as the session has it for a single save.
    fn what_does_not_fit_becomes_what_it_becomes_in_a_single_save(conn) {
        run(CREATE, conn);
        let fits = Everything { id: 2, version: 1, ..Everything::default() };
        let long = Some("longer than 20 characters".to_owned());
        let misfits = [
            Everything { a_varchar: long.clone(), ..fits.clone() },
            Everything { a_latin: Some("\u{1F512}".into()), ..fits.clone() },
            Everything { a_scaled: decimal("123456789.5"), ..fits.clone() },
            Everything { a_scaled: decimal("1.005"), ..fits.clone() },
            Everything { a_char: long, ..fits.clone() },
            Everything { fixed_bytes: Some(vec![1; 5]), ..fits.clone() },
        ];
        run("INSERT INTO everything (id) VALUES (1), (2), (3)", conn);
        for strictness in STRICTNESS {
            run(strictness, conn);
            for misfit in &misfits {
                run("UPDATE everything SET a_varchar = NULL, a_latin = NULL, a_scaled = NULL,
                     a_char = NULL, fixed_bytes = NULL, version = 1", conn);
                let single = Everything { id: 1, ..misfit.clone() }.save(conn);
                let batch = [Everything { id: 3, ..misfit.clone() }, fits.clone()];
                let batch = Everything::save_all(batch, conn);
                match (single, batch) {
                    (Ok(_), Ok(_)) => {}
                    (Err(single), Err(batch)) => {
                        let column = |error: String| error.split(" at row").next().unwrap().to_owned();
                        assert_eq!(column(batch.to_string()), column(single.to_string()));
                    }
                    differs => panic!("{differs:?}"),
                }
                let sql = format!("SELECT {ROW} AS text FROM everything WHERE id <> 2 ORDER BY id");
                let stored = texts(&sql, conn);
                assert_eq!(stored[0], stored[1]);
            }
        }
    }
}
