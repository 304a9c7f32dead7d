use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> BigInt }
}

#[derive(Queryable, Selectable, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document<Title> {
    id: i64,
    title: Title,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::<String>::find(1, conn)?;
    document.save(conn)?.delete(conn)
}
