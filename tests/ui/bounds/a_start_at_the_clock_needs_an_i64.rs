//~ `start = clock` needs a version of type `i64`, not `i32`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> Integer }
}

type Revision = i32;

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
#[versioned(start = clock)]
struct Document {
    id: i64,
    title: String,
    version: Revision,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    document.save(conn)?.delete(conn)
}
