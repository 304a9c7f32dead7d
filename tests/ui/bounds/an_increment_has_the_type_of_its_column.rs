//~ a field of type `&str` cannot be written to a `diesel::sql_types::BigInt` column

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
    #[versioned(unguarded)]
    views: i64,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Document::increment(1, documents::views, "one", conn)
}
