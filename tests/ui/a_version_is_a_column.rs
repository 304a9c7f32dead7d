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
    #[diesel(select_expression = documents::version)]
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    Document::create(documents::title.eq("New"), conn)?;
    document.save(conn)?.delete(conn)
}
