use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (shelf, place) { shelf -> BigInt, place -> BigInt, title -> Text, version -> BigInt }
}

#[derive(HasQuery, Versioned)]
#[diesel(table_name = documents, primary_key(shelf, place))]
struct Document {
    shelf: i64,
    title: String,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    Document::create(documents::title.eq("New"), conn)?;
    document.save(conn)?.delete(conn)
}
