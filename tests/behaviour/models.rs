//! Models of all shapes that Diesel knows: keys, names, parts, projections.

use diesel::prelude::*;
use noclobber::key::{Key, KeyText};
use noclobber::prelude::*;

use crate::support::Witness;
use crate::support::sqlite::run;

fn memory(tables: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    run(tables, &mut conn);
    conn
}

/// The statements that begin with this word.
fn sent(witness: &Witness, word: &str) -> Vec<String> {
    witness.sent().into_iter().filter(|sql| sql.starts_with(word)).collect()
}

mod composite_keys {
    use super::*;

    diesel::table! {
        seats (row_name, number) {
            row_name -> Text,
            number -> Integer,
            guest -> Nullable<Text>,
            version -> Integer,
        }
    }

    #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Insertable, Versioned)]
    #[diesel(table_name = seats, primary_key(row_name, number))]
    struct Seat {
        row_name: String,
        // Not where the key names it, which does not matter.
        guest: Option<String>,
        number: i32,
        version: i32,
    }

    #[derive(Insertable)]
    #[diesel(table_name = seats)]
    struct NewSeat<'a> {
        row_name: &'a str,
        number: i32,
    }

    #[test]
    fn all_of_the_key_is_compared() {
        let conn = &mut memory(
            "CREATE TABLE seats (row_name TEXT NOT NULL, number INTEGER NOT NULL, guest TEXT,
                                 version INTEGER NOT NULL, PRIMARY KEY (row_name, number))",
        );
        for (row_name, number) in [("A", 1), ("A", 2), ("B", 1)] {
            Seat::create(NewSeat { row_name, number }, conn).unwrap();
        }
        let seat = Seat::find(("A".to_owned(), 2), conn).unwrap();
        let witness = Witness::of(conn);
        let taken = Seat { guest: Some("Ann".into()), ..seat.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            ["UPDATE \"seats\" SET \"guest\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"row_name\" = ? AND \"number\" = ? AND \"version\" = ?"]
        );
        let error = Seat { guest: Some("Bob".into()), ..seat.clone() }.save(conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "seats A,2");
        assert_eq!(Seat::find(("A".to_owned(), 2), conn).unwrap(), taken);
        let others = seats::table.filter(seats::guest.is_null()).count().get_result(conn);
        assert_eq!(others, Ok(2_i64));
        assert!(seat.delete(conn).unwrap_err().is_conflict());
        taken.delete(conn).unwrap();
        assert_eq!(seats::table.count().get_result(conn), Ok(2_i64));
    }
}

mod keys_of_other_types {
    use diesel::deserialize::{self, FromSql, FromSqlRow};
    use diesel::expression::AsExpression;
    use diesel::serialize::{self, Output, ToSql};
    use diesel::sql_types::BigInt;
    use diesel::sqlite::{Sqlite, SqliteValue};

    use super::*;

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

    impl ToSql<BigInt, Sqlite> for Number {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            <i64 as ToSql<BigInt, Sqlite>>::to_sql(&self.0, out)
        }
    }

    impl FromSql<BigInt, Sqlite> for Number {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Number)
        }
    }

    #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
    #[diesel(table_name = numbered, check_for_backend(Sqlite))]
    struct Numbered {
        id: Number,
        name: String,
        version: i64,
    }

    #[test]
    fn text_is_a_key() {
        let conn = &mut memory(
            "CREATE TABLE things (id TEXT PRIMARY KEY, name TEXT NOT NULL, version BIGINT NOT NULL)",
        );
        for key in ["plain", "Plain", "plain ", "a,b", "käse 100 %", ""] {
            let new = (things::id.eq(key), things::name.eq("old"));
            let thing = Thing::create(new, conn).unwrap();
            let saved = Thing { name: "new".into(), ..thing.clone() }.save(conn).unwrap();
            assert_eq!(Thing::find(key, conn).unwrap(), saved);
            let error = thing.save(conn).unwrap_err();
            assert_eq!(error.conflict().unwrap().record().key(), key.to_owned().text());
        }
        assert_eq!(things::table.count().get_result(conn), Ok(6_i64));
    }

    /// `Ann` and `ann` are one key to this column, and the row says which of them it is.
    #[test]
    fn a_key_that_the_database_takes_for_another_is_the_rows_own() {
        let conn = &mut memory(
            "CREATE TABLE things (id TEXT PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL,
                                  version BIGINT NOT NULL)",
        );
        Thing::create((things::id.eq("ann"), things::name.eq("old")), conn).unwrap();
        let modified = Thing::modify("Ann", conn, |thing| thing.name = "new".into()).unwrap();
        assert_eq!((modified.id.as_str(), modified.name.as_str()), ("ann", "new"));
    }

    #[test]
    fn bytes_are_a_key() {
        let conn = &mut memory(
            "CREATE TABLE blobs (id BLOB PRIMARY KEY, name TEXT NOT NULL, version BIGINT NOT NULL)",
        );
        let new = (blobs::id.eq(vec![0_u8, 255]), blobs::name.eq("old"));
        let blob = Blob::create(new, conn).unwrap();
        blob.clone().save(conn).unwrap();
        let error = blob.save(conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "blobs 00ff");
    }

    #[test]
    fn a_newtype_is_a_key() {
        let conn = &mut memory(
            "CREATE TABLE numbered (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version BIGINT NOT NULL)",
        );
        let numbered = Numbered::create(numbered::name.eq("old"), conn).unwrap();
        assert_eq!(Numbered::find(Number(1), conn).unwrap(), numbered);
        numbered.clone().touch(conn).unwrap();
        let error = numbered.delete(conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "numbered 1");
    }
}

mod names {
    use super::*;

    diesel::table! {
        #[sql_name = "order \"items\""]
        order_items (item_id) {
            #[sql_name = "item id"]
            item_id -> BigInt,
            #[sql_name = "select"]
            choice -> Text,
            r#type -> Text,
            #[sql_name = "row version"]
            row_version -> BigInt,
        }
    }

    #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
    #[diesel(primary_key(item_id))]
    struct OrderItem {
        item_id: i64,
        choice: String,
        #[diesel(column_name = "type")]
        kind: String,
        #[versioned(version)]
        row_version: i64,
    }

    #[test]
    fn names_that_need_quoting_are_quoted() {
        let conn = &mut memory(
            r#"CREATE TABLE "order ""items""" ("item id" INTEGER PRIMARY KEY, "select" TEXT NOT NULL,
                                               "type" TEXT NOT NULL, "row version" BIGINT NOT NULL)"#,
        );
        let new = (order_items::choice.eq("a"), order_items::r#type.eq("b"));
        let item = OrderItem::create(new, conn).unwrap();
        let witness = Witness::of(conn);
        let saved = OrderItem { kind: "c".into(), ..item.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            [
                r#"UPDATE "order "items"" SET "select" = ?, "type" = ?, "row version" = "row version" + 1 WHERE "item id" = ? AND "row version" = ?"#
            ]
        );
        assert_eq!(OrderItem::find(1, conn).unwrap(), saved);
        assert!(item.delete(conn).unwrap_err().is_conflict());
        saved.delete(conn).unwrap();
    }

    diesel::table! {
        auth.users (id) { id -> BigInt, name -> Text, version -> BigInt }
    }

    #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
    struct User {
        id: i64,
        name: String,
        version: i64,
    }

    #[test]
    fn a_table_stands_in_its_schema() {
        let conn = &mut memory(
            "ATTACH ':memory:' AS auth;
             CREATE TABLE auth.users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version BIGINT NOT NULL);
             CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version BIGINT NOT NULL)",
        );
        let user = User::create(users::name.eq("Ann"), conn).unwrap();
        let witness = Witness::of(conn);
        user.clone().save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            ["UPDATE \"auth\".\"users\" SET \"name\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert!(user.save(conn).unwrap_err().is_conflict());
    }
}

mod parts {
    use super::*;

    diesel::table! {
        people (id) {
            id -> BigInt,
            name -> Text,
            street -> Text,
            town -> Nullable<Text>,
            visits -> BigInt,
            secret -> Text,
            version -> BigInt,
        }
    }

    const CREATE_PEOPLE: &str = "
        CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, street TEXT NOT NULL, town TEXT,
                             visits BIGINT NOT NULL DEFAULT 0, secret TEXT NOT NULL DEFAULT 'kept',
                             version BIGINT NOT NULL)";

    #[derive(Debug, Clone, PartialEq, HasQuery, Columns)]
    #[diesel(table_name = people)]
    struct Address {
        street: String,
        town: Option<String>,
        #[versioned(unguarded)]
        visits: i64,
    }

    #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
    #[diesel(table_name = people)]
    struct Person {
        id: i64,
        name: String,
        #[diesel(embed)]
        address: Address,
        #[diesel(skip_update)]
        secret: String,
        version: i64,
    }

    #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Versioned)]
    #[diesel(table_name = people)]
    struct PersonsName {
        id: i64,
        name: String,
        #[diesel(select_expression = people::name.concat("!"))]
        greeting: String,
        version: i64,
    }

    fn ann(conn: &mut SqliteConnection) -> Person {
        Person::create((people::name.eq("Ann"), people::street.eq("1 Main St")), conn).unwrap()
    }

    #[test]
    fn an_embedded_parts_columns_are_written() {
        let conn = &mut memory(CREATE_PEOPLE);
        let ann = ann(conn);
        let witness = Witness::of(conn);
        let address = Address { town: Some("Ulm".into()), ..ann.address.clone() };
        let moved = Person { address, ..ann.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            [
                "UPDATE \"people\" SET \"name\" = ?, \"street\" = ?, \"town\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"id\" = ? AND \"version\" = ?"
            ]
        );
        assert_eq!(Person::find(1, conn).unwrap(), moved);
        let address = Address { town: None, ..moved.address.clone() };
        let moved = Person { address, ..moved }.save(conn).unwrap();
        assert_eq!(Person::find(1, conn).unwrap(), moved);
        assert!(ann.save(conn).unwrap_err().is_conflict());
    }

    #[test]
    fn what_diesel_skips_in_updates_is_skipped() {
        let conn = &mut memory(CREATE_PEOPLE);
        let ann = ann(conn);
        Person { secret: "told".into(), ..ann }.save(conn).unwrap();
        assert_eq!(Person::find(1, conn).unwrap().secret, "kept");
    }

    #[test]
    fn a_projection_writes_its_own_columns_and_guards_the_whole_record() {
        let conn = &mut memory(CREATE_PEOPLE);
        let ann = ann(conn);
        let name = PersonsName::find(1, conn).unwrap();
        assert_eq!(name.greeting, "Ann!");
        let witness = Witness::of(conn);
        PersonsName { name: "Anna".into(), ..name.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            [
                "UPDATE \"people\" SET \"name\" = ?, \"version\" = \"version\" + 1 WHERE \"id\" = ? AND \"version\" = ?"
            ]
        );
        assert!(ann.clone().save(conn).unwrap_err().is_conflict());
        let now = ann.reload(conn).unwrap();
        assert_eq!((now.name.as_str(), now.address.street.as_str()), ("Anna", "1 Main St"));
        assert!(name.save(conn).unwrap_err().is_conflict());
    }
}

/// Code that is generic over the connection names the models it stores.
mod generic_code {
    use noclobber::{Result, Store};

    use crate::support::sqlite::document;
    use crate::support::{Database, Document, Journal};

    use super::*;

    fn retitle<C: Store<Document>>(id: i64, title: &str, conn: &mut C) -> Result<Document> {
        noclobber::transaction(conn, |conn| {
            let document = Document::find(id, conn)?;
            Document { title: title.into(), ..document }.save(conn)
        })
    }

    #[test]
    fn works_through_a_connection_and_through_a_pooled_one() {
        let database = Database::file(Journal::Wal);
        let conn = &mut database.connect();
        let id = document("draft", conn).id;
        assert_eq!(retitle(id, "first", conn).unwrap().version, 2);
        let pooled = &mut database.pool(1).get().unwrap();
        assert_eq!(retitle(id, "second", pooled).unwrap().version, 3);
        assert_eq!(Document::find(id, &mut **pooled).unwrap().title, "second");
    }
}
