//~ a lease cannot be kept in a column of type
//~ `locked_by -> Nullable<Text>`
//~ `lock_fence -> BigInt`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        version -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<Timestamp>,
        lock_token -> Nullable<Text>,
        lock_fence -> BigInt,
    }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[versioned(lock_columns)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

fn main() {}
