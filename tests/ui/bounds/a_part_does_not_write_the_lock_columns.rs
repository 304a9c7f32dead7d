//~ an embedded part has a field for `locked_by`, `locked_until`, `lock_token` or `lock_fence`
//~ move it to the model, or mark it `#[versioned(unguarded)]`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        version -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<BigInt>,
        lock_token -> Nullable<Text>,
        lock_fence -> BigInt,
    }
}

#[derive(HasQuery, Columns)]
#[diesel(table_name = documents)]
struct Holder {
    locked_by: Option<String>,
}

#[derive(HasQuery, Columns)]
#[diesel(table_name = documents)]
struct Text {
    title: String,
    #[diesel(embed)]
    holder: Holder,
}

#[derive(HasQuery, Identifiable, Versioned)]
#[versioned(lock_columns)]
struct Document {
    id: i64,
    #[diesel(embed)]
    text: Text,
    version: i64,
}

fn main() {}
