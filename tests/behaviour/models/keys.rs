//! Keys that are not a number: text, bytes, a type of one's own.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use noclobber::Error;
use noclobber::key::{Key, KeyText};
use noclobber::prelude::*;

use crate::support::on_every_database;
#[cfg(feature = "mysql")]
use crate::support::on_mysql;

diesel::table! {
    things (id) { id -> Text, name -> Text, version -> BigInt }
}
diesel::table! {
    blobs (id) { id -> Binary, name -> Text, version -> BigInt }
}
diesel::table! {
    numbered (id) { id -> BigInt, name -> Text, version -> BigInt }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Insertable, Versioned)]
struct Thing {
    id: String,
    name: String,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
struct Blob {
    id: Vec<u8>,
    name: String,
    version: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
struct Number(i64);

impl Key for Number {
    fn write(&self, text: &mut KeyText) {
        self.0.write(text);
    }
}

impl<DB> ToSql<BigInt, DB> for Number
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<BigInt, DB> for Number
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(value).map(Number)
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = numbered)]
struct Numbered {
    id: Number,
    name: String,
    version: i64,
}

/// The other columns, beside the key.
const NAMED: &str = "name VARCHAR(20) NOT NULL, version BIGINT NOT NULL";

on_every_database! {
    fn text_is_a_key(conn) {
        run(&format!("CREATE TABLE things (id {TEXT_KEY}, {NAMED})"), conn);
        for key in ["plain", "Plain", "plain ", "a,b", "käse 100 %", ""] {
            let new = (things::id.eq(key), things::name.eq("old"));
            let thing = Thing::create_with(key, new, conn).unwrap();
            let saved = Thing { name: "new".into(), ..thing.clone() }.save(conn).unwrap();
            assert_eq!(Thing::find(key, conn).unwrap(), saved);
            let error = thing.save(conn).unwrap_err();
            assert_eq!(error.conflict().unwrap().record().key(), key.to_owned().text());
        }
        assert_eq!(things::table.count().get_result(conn), Ok(6_i64));
        let all: Vec<Thing> = Thing::query().load(conn).unwrap();
        let all = Thing::save_all(all, conn).unwrap();
        assert!(all.iter().all(|thing| thing.version == 3));
        Thing::delete_all(all, conn).unwrap();
        assert_eq!(things::table.count().get_result(conn), Ok(0_i64));
    }

    /// By `RETURNING`. MySQL tells no key but a number of its own, and then nothing is created.
    fn text_is_told_by_an_insert(conn) {
        run(&format!("CREATE TABLE things (id {TEXT_KEY}, {NAMED})"), conn);
        let other = (things::id.eq("another"), things::name.eq("old"));
        Thing::create_with("another", other, conn).unwrap();
        let created = Thing::create((things::id.eq("it"), things::name.eq("new")), conn);
        if TELLS_EVERY_KEY {
            assert_eq!(Thing::find("it", conn).unwrap(), created.unwrap());
        } else {
            assert!(matches!(created, Err(Error::KeyUnknown { table: "things" })), "{created:?}");
            assert_eq!(things::table.count().get_result(conn), Ok(1_i64));
        }
    }

    /// `Ann` and `ann` are one key to this column, and the row says which of them it is.
    fn a_key_that_the_database_takes_for_another_is_the_rows_own(conn) {
        run(BEFORE_CASELESS, conn);
        run(&format!("CREATE TABLE things (id {CASELESS_KEY}, {NAMED})"), conn);
        let new = (things::id.eq("ann"), things::name.eq("old"));
        Thing::create_with("ann", new, conn).unwrap();
        let modified = Thing::modify("Ann", &mut *conn, |thing| thing.name = "new".into()).unwrap();
        assert_eq!((modified.id.as_str(), modified.name.as_str()), ("ann", "new"));
        assert_eq!(Thing::find("ANN", conn).unwrap(), modified);
    }

    /// One row is written once, and who wrote it second is told of the first.
    fn a_batch_finds_the_row_of_a_key_that_the_database_takes_for_another(conn) {
        run(BEFORE_CASELESS, conn);
        run(&format!("CREATE TABLE things (id {CASELESS_KEY}, {NAMED})"), conn);
        for key in ["ann", "bob"] {
            let new = (things::id.eq(key), things::name.eq("old"));
            Thing::create_with(key, new, conn).unwrap();
        }
        let spelled = |id: &str| Thing { id: id.into(), name: id.into(), version: 1 };
        let saved = Thing::save_all([spelled("Bob"), spelled("ann")], conn).unwrap();
        assert_eq!(saved[0].version, 2);
        assert_eq!(Thing::find("bob", conn).unwrap().name, "Bob");
        assert_eq!(Thing::find("ann", conn).unwrap().name, "ann");

        let twice = ["Ann", "ann"].map(|id| Thing { version: 2, ..spelled(id) });
        let outcomes = Thing::save_each(twice.clone(), conn).unwrap();
        let refused: Vec<_> = outcomes.iter().filter_map(|it| it.as_ref().err()).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(*refused[0].found(), noclobber::Found::Version("3".into()));
        let twice = twice.map(|thing| Thing { version: 3, ..thing });
        assert!(Thing::save_all(twice, conn).unwrap_err().is_conflict());
        assert_eq!(Thing::find("ann", conn).unwrap().version, 3);
        Thing::delete_all([Thing { version: 3, ..spelled("ANN") }], conn).unwrap();
    }

    fn bytes_are_a_key(conn) {
        run(&format!("CREATE TABLE blobs (id {BYTES_KEY}, {NAMED})"), conn);
        let key = vec![0_u8, 255];
        let new = (blobs::id.eq(&key), blobs::name.eq("old"));
        let blob = Blob::create_with(key.clone(), new, conn).unwrap();
        let saved = Blob { name: "new".into(), ..blob.clone() }.save(conn).unwrap();
        assert_eq!(Blob::find(key, conn).unwrap(), saved);
        let error = blob.save(conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "blobs 00ff");
        let saved = Blob::save_all([saved], conn).unwrap();
        Blob::delete_all(saved, conn).unwrap();
    }

    fn a_newtype_is_a_key(conn) {
        run(&format!("CREATE TABLE numbered (id {NUMBER_KEY}, {NAMED})"), conn);
        let numbered = Numbered::create(numbered::name.eq("old"), conn).unwrap();
        assert_eq!(Numbered::find(Number(1), conn).unwrap(), numbered);
        numbered.clone().touch(conn).unwrap();
        let error = numbered.delete(conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "numbered 1");
    }
}

#[cfg(feature = "mysql")]
on_mysql! {
    /// In a list, a key takes the character set of its column: `k🔒` would become `k?`.
    fn a_key_that_its_column_cannot_hold_finds_no_other_record_in_a_batch(conn) {
        for (set, key) in [("utf8mb3", "k\u{1F512}"), ("latin1", "k\u{65E5}"), ("ascii", "k\u{E9}")] {
            for mode in STRICTNESS {
                run(mode, conn);
                let column = format!("VARCHAR(20) CHARACTER SET {set} PRIMARY KEY");
                run(&format!("DROP TABLE IF EXISTS things; CREATE TABLE things (id {column}, {NAMED})"), conn);
                run("INSERT INTO things VALUES ('k?', 'theirs', 1), ('other', 'old', 1)", conn);
                let new = |id: &str| Thing { id: id.into(), name: "new".into(), version: 1 };
                let single = new(key).save(conn).map(drop).unwrap_err();
                let saved = Thing::save_all([new(key), new("other")], conn).map(drop).unwrap_err();
                assert_eq!(saved.to_string(), single.to_string());
                let deleted = Thing::delete_all([new(key), new("other")], conn).unwrap_err();
                assert_eq!(deleted.is_conflict(), single.is_conflict());
                let each = Thing::delete_each([new(key)], conn);
                assert!(each.map_or(true, |outcomes| outcomes[0].is_err()));
                assert_eq!(Thing::find("k?", conn).unwrap().name, "theirs", "{set}");
                assert_eq!(Thing::find("other", conn).unwrap().version, 1);
            }
        }
    }

    fn bytes_that_their_column_would_pad_find_no_other_record_in_a_batch(conn) {
        run(&format!("CREATE TABLE blobs (id BINARY(4) PRIMARY KEY, {NAMED})"), conn);
        run("INSERT INTO blobs VALUES ('ab', 'theirs', 1)", conn);
        let short = Blob { id: b"ab".to_vec(), name: "new".into(), version: 1 };
        assert!(short.clone().save(conn).unwrap_err().is_conflict());
        assert!(Blob::save_all([short.clone()], conn).unwrap_err().is_conflict());
        assert!(Blob::delete_all([short], conn).unwrap_err().is_conflict());
        assert_eq!(blobs::table.filter(blobs::name.eq("theirs")).count().get_result(conn), Ok(1_i64));
    }
}
