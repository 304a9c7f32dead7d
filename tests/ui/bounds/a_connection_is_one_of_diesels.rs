//~ `Document` cannot be stored through `String`
//~~ and more

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
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut String::new();
    Document::find(1, conn)?;
    Ok(())
}
