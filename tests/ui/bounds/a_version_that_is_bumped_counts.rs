//~ a version of type `NaiveDateTime` cannot be raised by `version + 1`
//~ `bump_version` is for versions of type `i16`, `i32` and `i64`

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> Timestamp }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents)]
struct Document {
    id: i64,
    title: String,
    version: chrono::NaiveDateTime,
}

fn main() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let changes = (documents::title.eq("x"), Document::bump_version());
    diesel::update(documents::table).set(changes).execute(conn).unwrap();
}
