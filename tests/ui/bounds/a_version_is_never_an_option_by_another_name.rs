//~ cannot be the version of a record
//~ it is never an `Option`
//~~ and more

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> Nullable<BigInt> }
}

type Maybe<T> = Option<T>;

#[derive(Queryable, Selectable, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: Maybe<i64>,
}

fn main() {}
