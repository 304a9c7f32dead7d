//~ `Order` is not a child in an aggregate
//~ `#[versioned(root(Order, order_id))]`

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


fn main() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Order::create_in(1, orders::customer.eq("Ann"), conn).unwrap();
}
