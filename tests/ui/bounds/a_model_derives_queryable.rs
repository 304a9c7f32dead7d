//~ `Document` cannot be loaded from
//~ derives Diesel's `HasQuery`, or `Queryable` and `Selectable`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> BigInt }
}

#[derive(Selectable, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Document::find(1, conn)?;
    Ok(())
}
