//! Keys of several columns, and of types of one's own.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use noclobber::key::{Key, KeyText};
use noclobber::prelude::*;

use super::database;

diesel::table! {
    shelves (room, letter) { room -> Text, letter -> Text, books -> Integer, version -> Integer }
}

#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = shelves, primary_key(room, letter))]
struct Shelf {
    letter: String,
    room: String,
    books: i32,
    version: i32,
}

#[test]
fn a_key_has_its_columns_in_the_order_in_which_they_are_declared() {
    let conn = &mut database(
        "CREATE TABLE shelves (
             room TEXT, letter TEXT, books INTEGER, version INTEGER, PRIMARY KEY (room, letter)
         );
         INSERT INTO shelves VALUES ('cellar', 'a', 7, 1)",
    );
    let shelf = Shelf::find(("cellar".to_owned(), "a".to_owned()), conn).unwrap();
    assert_eq!(shelf.key(), ("cellar".to_owned(), "a".to_owned()));
    let shelf = Shelf { books: 8, ..shelf }.save(conn).unwrap();
    assert_eq!(shelf.reload(conn).unwrap().books, 8);
}

diesel::table! {
    tickets (id) { id -> BigInt, paid -> Bool, version -> BigInt }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
struct TicketId(i64);

impl Key for TicketId {
    fn write(&self, text: &mut KeyText) {
        self.0.write(text);
    }
}

impl<DB> diesel::serialize::ToSql<BigInt, DB> for TicketId
where
    DB: diesel::backend::Backend,
    i64: diesel::serialize::ToSql<BigInt, DB>,
{
    fn to_sql<'b>(
        &'b self,
        out: &mut diesel::serialize::Output<'b, '_, DB>,
    ) -> diesel::serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> diesel::deserialize::FromSql<BigInt, DB> for TicketId
where
    DB: diesel::backend::Backend,
    i64: diesel::deserialize::FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        i64::from_sql(bytes).map(TicketId)
    }
}

#[derive(Debug, Queryable, Selectable, Identifiable, Versioned)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
struct Ticket {
    id: TicketId,
    paid: bool,
    #[versioned(version)]
    #[diesel(column_name = version)]
    revision: i64,
}

#[test]
fn a_key_may_be_a_newtype() {
    let conn = &mut database(
        "CREATE TABLE tickets (id INTEGER PRIMARY KEY, paid BOOLEAN, version BIGINT);
         INSERT INTO tickets VALUES (1, FALSE, 1)",
    );
    let ticket = Ticket::find(TicketId(1), conn).unwrap();
    let ticket = Ticket { paid: true, ..ticket }.save(conn).unwrap();
    assert_eq!((ticket.reload(conn).unwrap().paid, ticket.revision), (true, 2));
}
