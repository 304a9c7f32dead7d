use chrono::NaiveDateTime;
use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> Timestamp }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
#[versioned(precision = ns)]
struct Document {
    id: i64,
    title: String,
    version: NaiveDateTime,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    Document::create(documents::title.eq("New"), conn)?;
    document.save(conn)?.delete(conn)
}
