//! Diesel's own attributes, which are passed over or understood.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::database;

diesel::table! {
    authors (id) { id -> BigInt, name -> Text }
}

diesel::table! {
    books (id) {
        id -> BigInt,
        author_id -> BigInt,
        title -> Text,
        pages -> BigInt,
        note -> Nullable<Text>,
        created_at -> BigInt,
        version -> BigInt,
    }
}

#[derive(Debug, HasQuery, Identifiable)]
struct Author {
    id: i64,
    name: String,
}

#[derive(Debug, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(
    belongs_to(Author, foreign_key = author_id),
    base_query = books::table.filter(books::pages.gt(0_i64)).order_by((books::title, books::id)),
    treat_none_as_null = true,
    check_for_backend(diesel::sqlite::Sqlite),
)]
#[versioned(start = clock)]
struct Book {
    id: i64,
    author_id: i64,
    title: String,
    #[versioned(unguarded)]
    pages: i64,
    #[diesel(treat_none_as_null = true)]
    note: Option<String>,
    #[diesel(skip_update, skip_insertion)]
    created_at: i64,
    #[diesel(
        select_expression = books::pages.gt(books::version),
        select_expression_type = diesel::dsl::Gt<books::pages, books::version>,
        column_name = "title"
    )]
    long: bool,
    version: i64,
}

#[test]
fn only_the_columns_of_the_model_are_written() {
    let conn = &mut database(
        "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT);
         CREATE TABLE books (
             id INTEGER PRIMARY KEY, author_id BIGINT, title TEXT, pages BIGINT, note TEXT,
             created_at BIGINT, version BIGINT
         );
         INSERT INTO authors VALUES (1, 'A');
         INSERT INTO books VALUES (1, 1, 'T', 0, 'n', 3, 1)",
    );
    let author = Author::query().first(conn).unwrap();
    let book = Book::find(1, conn).unwrap();
    assert!(!book.long);
    let book = Book { note: None, pages: 9, created_at: 9, ..book }.save(conn).unwrap();
    Book::increment(1, books::pages, 5, conn).unwrap();
    let book = book.reload(conn).unwrap();
    assert_eq!((book.note, book.pages, book.created_at, book.version), (None, 5, 3, 2));
    assert_eq!((author.id, author.name.as_str()), (book.author_id, "A"));
    assert_eq!(book.title, "T");
}
