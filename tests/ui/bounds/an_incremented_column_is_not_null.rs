//~ the column can be NULL
//~ NULL plus something is NULL

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, views -> Nullable<BigInt>, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    #[versioned(unguarded)]
    views: Option<i64>,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Document::increment(1, documents::views, 1, conn)
}
