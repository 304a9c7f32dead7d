use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) {
        id -> BigInt,
        title -> Text,
        version -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<BigInt>,
        lock_token -> Nullable<Text>,
        lock_fence -> BigInt,
    }
}

#[derive(HasQuery, Identifiable, Versioned)]
#[versioned(lock_columns, trigger)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    document.save(conn)?.delete(conn)
}
