//~ `Line` is a child in an aggregate, and not a root
//~ an aggregate has one level

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
    remarks (id) { id -> BigInt, line_id -> BigInt, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[versioned(root(Line, line_id))]
struct Remark {
    id: i64,
    line_id: i64,
    version: i64,
}

fn main() {}
