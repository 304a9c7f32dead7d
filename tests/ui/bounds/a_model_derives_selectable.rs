//~ `Document` does not tell which columns to load
//~ derives Diesel's `HasQuery`, or `Queryable` and `Selectable`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> BigInt }
}

#[derive(Queryable, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

fn main() {}
