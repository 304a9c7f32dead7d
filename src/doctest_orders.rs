// What the examples about aggregates share; each includes it.

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    orders (id) {
        id -> BigInt,
        customer -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    order_lines (id) {
        id -> BigInt,
        order_id -> BigInt,
        article -> Text,
        quantity -> Integer,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = orders)]
struct Order {
    id: i64,
    customer: String,
    version: i64,
}

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = order_lines)]
#[versioned(root(Order, order_id))]
struct OrderLine {
    id: i64,
    order_id: i64,
    article: String,
    quantity: i32,
    version: i64,
}

#[allow(dead_code)]
#[derive(Insertable)]
#[diesel(table_name = order_lines)]
struct NewLine {
    article: String,
    quantity: i32,
}

#[allow(dead_code)]
fn an_order_with_two_lines() -> diesel::SqliteConnection {
    use diesel::connection::SimpleConnection;

    let mut conn = diesel::SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE orders (
             id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
             customer TEXT NOT NULL,
             version BIGINT NOT NULL DEFAULT 1
         );
         CREATE TABLE order_lines (
             id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
             order_id BIGINT NOT NULL REFERENCES orders (id),
             article TEXT NOT NULL,
             quantity INTEGER NOT NULL,
             version BIGINT NOT NULL DEFAULT 1
         );
         INSERT INTO orders (customer) VALUES ('Bob');
         INSERT INTO order_lines (order_id, article, quantity) VALUES (1, 'Pencil', 2), (1, 'Paper', 1);",
    )
    .unwrap();
    conn
}
