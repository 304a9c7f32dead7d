//~ `i32` is not the type of the key of `Order`
//~ has the type of the root's key

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    orders (id) { id -> BigInt, customer -> Text, version -> BigInt }
}

diesel::table! {
    lines (id) { id -> BigInt, order_id -> Integer, text -> Text, version -> BigInt }
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
    order_id: i32,
    text: String,
    version: i64,
}

fn main() {}
