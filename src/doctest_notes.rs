// What the examples of leases in columns share; each includes it.

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    notes (id) {
        id -> BigInt,
        text -> Text,
        version -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<BigInt>,
        lock_token -> Nullable<Text>,
        lock_fence -> BigInt,
    }
}

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = notes)]
#[versioned(lock_columns)]
struct Note {
    id: i64,
    text: String,
    locked_by: Option<String>,
    version: i64,
}

#[allow(dead_code)]
fn notes_with_one_row() -> diesel::SqliteConnection {
    use diesel::connection::SimpleConnection;

    let mut conn = diesel::SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(
        "CREATE TABLE notes (
             id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
             text TEXT NOT NULL,
             version BIGINT NOT NULL DEFAULT 1,
             locked_by VARCHAR(255),
             locked_until BIGINT,
             lock_token VARCHAR(36),
             lock_fence BIGINT NOT NULL DEFAULT 0
         );
         INSERT INTO notes (text) VALUES ('Draft');",
    )
    .unwrap();
    conn
}
