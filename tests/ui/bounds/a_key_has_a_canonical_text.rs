//~ `f64` cannot be the key of a versioned record
//~ implement `noclobber::key::Key` for it

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> Double, title -> Text, version -> BigInt }
}

#[derive(HasQuery, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: f64,
    title: String,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1.0, conn)?;
    document.save(conn)?.delete(conn)
}
