//~ the column can be NULL
//~ a missing version would guard nothing
//~ make the column NOT NULL

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> Nullable<BigInt> }
}

#[derive(Queryable, Selectable, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

fn main() {}
