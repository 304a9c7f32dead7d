//! The types of PostgreSQL.

use std::collections::Bound;
use std::io::Write;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::data_types::{Cents, PgInterval};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql, WriteTuple};
use diesel::sql_types::{Integer, Record, Text};
use ipnet::IpNet;
use noclobber::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::assert_stored_alike;
use crate::support::{Witness, on_postgres};

mod sql {
    #[derive(Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(postgres_type(name = "mood"))]
    pub struct Mood;

    #[derive(Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(postgres_type(name = "pair"))]
    pub struct Pair;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql::{Mood, Pair};

    everything (id) {
        id -> BigInt,
        a_bool -> Nullable<Bool>,
        a_char -> Nullable<CChar>,
        an_integer -> Nullable<Integer>,
        a_big -> Nullable<BigInt>,
        an_oid -> Nullable<Oid>,
        a_float -> Nullable<Float>,
        a_double -> Nullable<Double>,
        a_numeric -> Nullable<Numeric>,
        a_scaled -> Nullable<Numeric>,
        a_money -> Nullable<Money>,
        a_text -> Nullable<Text>,
        a_varchar -> Nullable<Varchar>,
        a_bpchar -> Nullable<Bpchar>,
        bytes -> Nullable<Bytea>,
        a_date -> Nullable<Date>,
        a_time -> Nullable<Time>,
        a_timestamp -> Nullable<Timestamp>,
        a_timestamptz -> Nullable<Timestamptz>,
        an_interval -> Nullable<Interval>,
        a_uuid -> Nullable<Uuid>,
        a_json -> Nullable<Json>,
        a_jsonb -> Nullable<Jsonb>,
        an_inet -> Nullable<Inet>,
        a_cidr -> Nullable<Cidr>,
        a_macaddr -> Nullable<MacAddr>,
        a_range -> Nullable<Range<Integer>>,
        a_time_range -> Nullable<Range<Timestamptz>>,
        a_multirange -> Nullable<Multirange<Integer>>,
        a_mood -> Nullable<Mood>,
        a_pair -> Nullable<Pair>,
        version -> BigInt,
    }
}

diesel::table! {
    lists (id) {
        id -> BigInt,
        names -> Nullable<Array<Nullable<Text>>>,
        numbers -> Array<Integer>,
        version -> BigInt,
    }
}

const CREATE: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'so, so');
    CREATE TYPE pair AS (number INTEGER, name TEXT);
    CREATE TABLE everything (
        id BIGINT PRIMARY KEY, a_bool BOOL, a_char \"char\", an_integer INTEGER,
        a_big BIGINT, an_oid OID, a_float REAL, a_double DOUBLE PRECISION, a_numeric NUMERIC,
        a_scaled NUMERIC(10, 2), a_money MONEY, a_text TEXT, a_varchar VARCHAR(20), a_bpchar CHAR(5),
        bytes BYTEA, a_date DATE, a_time TIME, a_timestamp TIMESTAMP, a_timestamptz TIMESTAMPTZ(3),
        an_interval INTERVAL, a_uuid UUID, a_json JSON, a_jsonb JSONB, an_inet INET, a_cidr CIDR,
        a_macaddr MACADDR, a_range INT4RANGE, a_time_range TSTZRANGE, a_multirange INT4MULTIRANGE,
        a_mood MOOD, a_pair PAIR, version BIGINT NOT NULL DEFAULT 1
    );
    CREATE TABLE lists (
        id BIGINT PRIMARY KEY, names TEXT[], numbers INTEGER[] NOT NULL DEFAULT '{}',
        version BIGINT NOT NULL DEFAULT 1
    )";

#[derive(Debug, Clone, Copy, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Mood)]
enum Mood {
    Sad,
    SoSo,
}

impl ToSql<sql::Mood, Pg> for Mood {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(match self {
            Mood::Sad => b"sad",
            Mood::SoSo => b"so, so",
        })?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Mood, Pg> for Mood {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            b"sad" => Ok(Mood::Sad),
            b"so, so" => Ok(Mood::SoSo),
            other => Err(format!("{other:?}").into()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Pair)]
struct Pair(i32, String);

impl ToSql<sql::Pair, Pg> for Pair {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        WriteTuple::<(Integer, Text)>::write_tuple(&(self.0, self.1.as_str()), &mut out.reborrow())
    }
}

impl FromSql<sql::Pair, Pg> for Pair {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let (number, name) = FromSql::<Record<(Integer, Text)>, Pg>::from_sql(value)?;
        Ok(Pair(number, name))
    }
}

type Bounds<T> = (Bound<T>, Bound<T>);

#[derive(Debug, Clone, PartialEq, Default, HasQuery, Versioned)]
#[diesel(table_name = everything, check_for_backend(Pg))]
struct Everything {
    id: i64,
    a_bool: Option<bool>,
    a_char: Option<u8>,
    an_integer: Option<i32>,
    a_big: Option<i64>,
    an_oid: Option<u32>,
    a_float: Option<f32>,
    a_double: Option<f64>,
    a_numeric: Option<BigDecimal>,
    a_scaled: Option<BigDecimal>,
    a_money: Option<Cents>,
    a_text: Option<String>,
    a_varchar: Option<String>,
    a_bpchar: Option<String>,
    bytes: Option<Vec<u8>>,
    a_date: Option<NaiveDate>,
    a_time: Option<NaiveTime>,
    a_timestamp: Option<NaiveDateTime>,
    a_timestamptz: Option<DateTime<Utc>>,
    an_interval: Option<PgInterval>,
    a_uuid: Option<Uuid>,
    a_json: Option<Value>,
    a_jsonb: Option<Value>,
    an_inet: Option<IpNet>,
    a_cidr: Option<IpNet>,
    a_macaddr: Option<[u8; 6]>,
    a_range: Option<Bounds<i32>>,
    a_time_range: Option<Bounds<DateTime<Utc>>>,
    a_multirange: Option<Vec<Bounds<i32>>>,
    a_mood: Option<Mood>,
    a_pair: Option<Pair>,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, Default, HasQuery, Versioned)]
#[diesel(table_name = lists, check_for_backend(Pg))]
struct List {
    id: i64,
    names: Option<Vec<Option<String>>>,
    numbers: Vec<i32>,
    version: i64,
}

fn decimal(text: &str) -> Option<BigDecimal> {
    Some(text.parse().unwrap())
}

fn everything() -> Vec<Everything> {
    let time = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
    let full = Everything {
        id: 0,
        a_bool: Some(true),
        a_char: Some(b'{'),
        an_integer: Some(i32::MAX),
        a_big: Some(i64::MIN),
        an_oid: Some(u32::MAX),
        a_float: Some(0.1),
        a_double: Some(f64::MIN_POSITIVE),
        a_numeric: decimal("-12345678901234567890.000012345"),
        a_scaled: decimal("12345678.125"),
        a_money: Some(Cents(-12_345)),
        a_text: Some("NULL, {\"quoted\"} \\ 'ß' \u{1F512}\n".into()),
        a_varchar: Some(String::new()),
        a_bpchar: Some("ab".into()),
        bytes: Some(vec![0, 255, 92, 123]),
        a_date: NaiveDate::from_ymd_opt(-1, 2, 28),
        a_time: NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999),
        a_timestamp: Some(time.naive_utc()),
        a_timestamptz: Some(time),
        an_interval: Some(PgInterval::new(-1, 40, 13)),
        a_uuid: Some(Uuid::from_u128(7)),
        a_json: Some(json!({ "b": [1, null, "x\u{1F512}"], "a": 1.50 })),
        a_jsonb: Some(json!([{ "b": 1, "a": "\"" }])),
        an_inet: Some("192.168.1.77/24".parse().unwrap()),
        a_cidr: Some("2001:db8::/32".parse().unwrap()),
        a_macaddr: Some([0, 1, 2, 253, 254, 255]),
        a_range: Some((Bound::Included(1), Bound::Excluded(9))),
        a_time_range: Some((Bound::Unbounded, Bound::Included(time))),
        a_multirange: Some(vec![
            (Bound::Included(1), Bound::Excluded(3)),
            (Bound::Included(7), Bound::Unbounded),
        ]),
        a_mood: Some(Mood::SoSo),
        a_pair: Some(Pair(7, "a, \"b\"".into())),
        version: 1,
    };
    let other = Everything {
        a_bool: Some(false),
        a_float: Some(f32::NAN),
        a_double: Some(f64::NEG_INFINITY),
        a_text: Some(String::new()),
        a_json: Some(Value::Null),
        a_mood: Some(Mood::Sad),
        a_range: Some((Bound::Excluded(5), Bound::Excluded(5))),
        a_multirange: Some(vec![]),
        ..full.clone()
    };
    // Beginning with NULLs, from which no type is to be guessed.
    vec![Everything { version: 1, ..Everything::default() }, full, other]
}

on_postgres! {
    fn everything_is_stored_as_single_saves_store_it(conn) {
        run(CREATE, conn);
        let witness = Witness::of(conn);
        let stored = assert_stored_alike!(
            Everything, "everything", "ROW(a_bool, a_char, an_integer, a_big, an_oid, a_float,
            a_double, a_numeric, a_scaled, a_money, a_text, a_varchar, a_bpchar, bytes, a_date, a_time,
            a_timestamp, a_timestamptz, an_interval, a_uuid, a_json, a_jsonb, an_inet, a_cidr, a_macaddr,
            a_range, a_time_range, a_multirange, a_mood, a_pair)::text", everything(), conn
        );
        assert!(stored[1].contains("so, so") && stored[1].contains("12345678.13"), "{stored:?}");
        let batches = witness.sent().iter().filter(|sql| sql.contains("unnest")).count();
        assert_eq!(batches, 1);
    }

    /// There are no arrays of arrays to send them in.
    fn arrays_are_saved_one_by_one(conn) {
        run(CREATE, conn);
        let witness = Witness::of(conn);
        let full = List {
            names: Some(vec![Some("a, b".into()), None, Some("{\"".into())]),
            numbers: vec![1, -1],
            ..List::default()
        };
        let nothing = List { names: Some(vec![]), ..List::default() };
        assert_stored_alike!(List, "lists", "ROW(names, numbers)::text", vec![List::default(), full, nothing], conn);
        assert!(witness.sent().iter().all(|sql| !sql.contains("unnest")));
    }

    fn what_does_not_fit_is_refused_as_in_a_single_save(conn) {
        run(CREATE, conn);
        run("INSERT INTO everything (id) VALUES (1), (2)", conn);
        let long = Some("longer than 20 characters".to_owned());
        let wide = Everything { id: 1, version: 1, a_varchar: long, ..Everything::default() };
        let single = wide.clone().save(conn).unwrap_err();
        let fits = Everything { id: 2, ..Everything { a_varchar: None, ..wide.clone() } };
        let batch = Everything::save_all([wide, fits], conn).unwrap_err();
        assert_eq!(batch.to_string(), single.to_string());
        assert_eq!(Everything::find(2, conn).unwrap().version, 1);
    }
}

/// The probe of the derive sees arrays behind `Nullable`, and takes nothing else for one.
#[test]
fn models_with_arrays_are_known_when_they_are_compiled() {
    fn has_arrays<M: noclobber::VersionedOn<Pg>>() -> bool {
        M::HAS_ARRAYS
    }
    assert!(has_arrays::<List>());
    assert!(!has_arrays::<Everything>());
}
