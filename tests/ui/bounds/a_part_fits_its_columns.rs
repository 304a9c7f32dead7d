//~ a field of type `i32` does not fit a `diesel::sql_types::BigInt` column
//~ floor: i32,

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    people (id) { id -> BigInt, street -> Text, floor -> BigInt, version -> BigInt }
}

#[derive(Queryable, Selectable, Columns)]
#[diesel(table_name = people)]
struct Address {
    street: String,
    floor: i32,
}

fn main() {}
