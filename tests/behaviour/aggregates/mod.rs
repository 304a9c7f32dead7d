//! Aggregates: a root, and children whose every write moves the root's version on.

mod changing;
mod composite_keys;
mod contending;
mod deleting;
mod leasing;
mod lone;
mod many;
mod moving;
mod of_other_versions;

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    orders (id) { id -> BigInt, customer -> Text, version -> BigInt }
}

diesel::table! {
    order_lines (id) {
        id -> BigInt,
        order_id -> BigInt,
        article -> Text,
        quantity -> Integer,
        picked -> BigInt,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = orders)]
pub(crate) struct Order {
    id: i64,
    customer: String,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = order_lines)]
#[versioned(root(Order, order_id))]
pub(crate) struct OrderLine {
    id: i64,
    pub(crate) order_id: i64,
    article: String,
    pub(crate) quantity: i32,
    #[versioned(unguarded)]
    picked: i64,
    pub(crate) version: i64,
}

impl OrderLine {
    pub(crate) fn of(self, quantity: i32) -> Self {
        OrderLine { quantity, ..self }
    }
}

#[derive(Clone, Copy, Insertable)]
#[diesel(table_name = order_lines)]
pub(crate) struct NewLine {
    article: &'static str,
    quantity: i32,
}

pub(crate) const PEN: NewLine = NewLine { article: "pen", quantity: 1 };

/// The tables, the orders 1 and 2, and the lines 1 and 2 of the first order and 3 of the second.
pub(crate) fn create_orders(number_key: &str, foreign_key: &str) -> String {
    format!(
        "CREATE TABLE orders (id {number_key}, customer VARCHAR(20) NOT NULL,
                              version BIGINT NOT NULL DEFAULT 1);
         CREATE TABLE order_lines (id {number_key}, order_id BIGINT NOT NULL,
                                   article VARCHAR(20) NOT NULL, quantity INTEGER NOT NULL,
                                   picked BIGINT NOT NULL DEFAULT 0,
                                   version BIGINT NOT NULL DEFAULT 1 {foreign_key});
         INSERT INTO orders (customer) VALUES ('Ann');
         INSERT INTO orders (customer) VALUES ('Bob');
         INSERT INTO order_lines (order_id, article, quantity) VALUES (1, 'pencil', 10);
         INSERT INTO order_lines (order_id, article, quantity) VALUES (1, 'paper', 20);
         INSERT INTO order_lines (order_id, article, quantity) VALUES (2, 'ink', 30);"
    )
}

pub(crate) const REFERENCES: &str = ", FOREIGN KEY (order_id) REFERENCES orders (id)";
const CASCADES: &str = ", FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE";

/// The orders and their lines as they stand, read by Diesel alone.
macro_rules! everything {
    ($conn:expr) => {{
        use diesel::{HasQuery, QueryDsl, RunQueryDsl};
        use $crate::aggregates::{Order, OrderLine, order_lines, orders};
        let orders = Order::query().order(orders::id).load($conn).unwrap();
        let lines = OrderLine::query().order(order_lines::id).load($conn).unwrap();
        (orders, lines)
    }};
}

/// The order with this key, and its lines.
macro_rules! order {
    ($id:expr, $conn:expr) => {{
        let (orders, lines) = $crate::aggregates::everything!($conn);
        let order = orders.into_iter().find(|order| order.id == $id).unwrap();
        let lines: Vec<_> = lines.into_iter().filter(|line| line.order_id == $id).collect();
        (order, lines)
    }};
}

/// The statements that write, in their order; those of the library's transactions are none of them.
fn writes(witness: &crate::support::Witness) -> Vec<String> {
    let verbs = ["UPDATE", "DELETE", "INSERT"];
    let is_write = |sql: &String| verbs.iter().any(|verb| sql.starts_with(verb));
    witness.sent().into_iter().filter(is_write).collect()
}

const SAVE_ROOT: &str = "UPDATE \"orders\" SET \"customer\" = ?, \"version\" = \"version\" + 1 \
                         WHERE \"id\" = ? AND \"version\" = ?";
const BUMP: &str = "UPDATE \"orders\" SET \"version\" = \"version\" + 1 \
                    WHERE \"id\" = ? AND \"version\" <> ?";
// Without the column that holds the root's key.
const SAVE_LINE: &str = "UPDATE \"order_lines\" SET \"article\" = ?, \"quantity\" = ?, \
                         \"version\" = \"version\" + 1 \
                         WHERE \"id\" = ? AND \"version\" = ? AND \"order_id\" = ?";
const TOUCH_LINE: &str = "UPDATE \"order_lines\" SET \"version\" = \"version\" + 1 \
                          WHERE \"id\" = ? AND \"version\" = ? AND \"order_id\" = ?";
const PATCH_LINE: &str = "UPDATE \"order_lines\" SET \"quantity\" = ?, \"version\" = ? \
                          WHERE \"id\" = ? AND \"version\" = ? AND \"order_id\" = ?";
const DELETE_LINE: &str = "DELETE FROM \"order_lines\" \
                           WHERE \"id\" = ? AND \"version\" = ? AND \"order_id\" = ?";
const INSERT_LINE: &str = "INSERT INTO \"order_lines\" (\"version\", \"order_id\", \"article\", \
                           \"quantity\") VALUES (?, ?, ?, ?)";

pub(crate) use everything;
use order;
