//! Children of roots, by keys of one column and of several.

use diesel::prelude::*;
use noclobber::aggregate::Child;
use noclobber::prelude::*;

use super::database;

diesel::table! {
    shelves (house, number) { house -> Text, number -> Integer, version -> BigInt }
}

diesel::table! {
    books (id) {
        id -> BigInt, in_house -> Text, #[sql_name = "type"] type_ -> Integer, title -> Text,
        version -> BigInt,
    }
}

const LIBRARY: &str = "
    CREATE TABLE shelves (house TEXT, number INTEGER, version BIGINT, PRIMARY KEY (house, number));
    CREATE TABLE books (id INTEGER PRIMARY KEY, in_house TEXT, type INTEGER, title TEXT, version BIGINT);
    INSERT INTO shelves VALUES ('here', 1, 1);
    INSERT INTO books VALUES (1, 'here', 1, 'T', 1)";

#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = shelves, primary_key(house, number))]
struct Shelf {
    house: String,
    number: i32,
    version: i64,
}

/// Names its fields in the order of the root's key, and not in its own.
#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[versioned(root(self::Shelf, (house, r#type),))]
struct Book {
    id: i64,
    #[diesel(column_name = type_)]
    r#type: i32,
    title: String,
    #[diesel(column_name = in_house)]
    house: String,
    version: i64,
}

#[test]
fn a_child_moves_its_root_on() {
    let conn = &mut database(LIBRARY);
    let book = Book::find(1, conn).unwrap();
    assert_eq!(book.root_key(), ("here".to_owned(), 1));
    let saved = Book { title: "U".into(), ..book }.save(conn).unwrap().reload(conn).unwrap();
    assert_eq!((saved.title.as_str(), saved.version, saved.id), ("U", 2, 1));
    assert_eq!((saved.r#type, saved.house.as_str()), (1, "here"));
    let shelf = Shelf::find(("here".to_owned(), 1), conn).unwrap();
    assert_eq!((shelf.version, shelf.house.as_str(), shelf.number), (2, "here", 1));
}
