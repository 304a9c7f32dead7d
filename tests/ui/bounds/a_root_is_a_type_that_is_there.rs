//~ cannot find type `Basket`

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
#[versioned(root(Basket, order_id))]
struct Line {
    id: i64,
    order_id: i64,
    text: String,
    version: i64,
}

fn main() {}
