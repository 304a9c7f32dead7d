//~ Line
//~ Customer

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    orders (id) { id -> BigInt, customer -> Text, version -> BigInt }
}

diesel::table! {
    lines (id) { id -> BigInt, order_id -> BigInt, text -> Text, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Versioned)]
struct Order {
    id: i64,
    customer: String,
    version: i64,
}

#[derive(HasQuery, Identifiable, Versioned)]
#[versioned(root(Order, order_id))]
struct Line {
    id: i64,
    order_id: i64,
    text: String,
    version: i64,
}

diesel::table! {
    customers (id) { id -> BigInt, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Versioned)]
struct Customer {
    id: i64,
    version: i64,
}

fn main() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let (customer, line) = (Customer::find(1, conn).unwrap(), Line::find(1, conn).unwrap());
    customer.save_with(conn, |customer| customer.save_child(line)).unwrap();
}
