//~ `Change` cannot be applied to `Document`
//~ `#[derive(AsChangeset)]`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

struct Change;

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Document::patch(1, 1, Change, conn)?;
    Ok(())
}
