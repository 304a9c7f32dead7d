// What the examples in the documentation share; each includes it.

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        views -> BigInt,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    #[versioned(unguarded)]
    views: i64,
    version: i64,
}

#[allow(dead_code)]
#[derive(Insertable)]
#[diesel(table_name = documents)]
struct NewDocument {
    title: String,
}

#[allow(dead_code)]
fn documents_with_one_row() -> diesel::SqliteConnection {
    use diesel::connection::SimpleConnection;

    let mut conn = diesel::SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(
        "CREATE TABLE documents (
             id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
             title TEXT NOT NULL,
             views BIGINT NOT NULL DEFAULT 0,
             version BIGINT NOT NULL DEFAULT 1
         );
         INSERT INTO documents (title) VALUES ('Draft');",
    )
    .unwrap();
    conn
}
