//~ a field of type `i32` does not fit a `diesel::sql_types::BigInt` column
//~ count: i32,

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, count -> BigInt, version -> BigInt }
}

#[derive(Queryable, Selectable, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    count: i32,
    version: i64,
}

fn main() {}
