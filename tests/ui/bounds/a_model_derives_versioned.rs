//~ `Document` is not a versioned model
//~ add `#[derive(Versioned)]` to it

use diesel::prelude::*;
use noclobber::Store;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> BigInt }
}

#[derive(HasQuery, Identifiable)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

fn load<C: Store<Document>>(_: &mut C) {}

fn main() {}
