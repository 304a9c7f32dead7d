//~ the column `documents::columns::views` of `Document` is guarded by its version
//~ mark its field `#[versioned(unguarded)]`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, views -> BigInt, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    views: i64,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Document::increment(1, documents::views, 1, conn)
}
