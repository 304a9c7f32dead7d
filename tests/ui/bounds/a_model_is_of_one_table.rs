//~ cannot be selected from `documents::table` alone
//~ a versioned model is a row of one table

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    authors (id) { id -> BigInt, name -> Text }
}

diesel::table! {
    documents (id) { id -> BigInt, author_id -> BigInt, version -> BigInt }
}

diesel::joinable!(documents -> authors (author_id));
diesel::allow_tables_to_appear_in_same_query!(authors, documents);

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = documents, base_query = documents::table.inner_join(authors::table))]
struct Document {
    id: i64,
    #[diesel(select_expression = authors::name)]
    author: String,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    Document::find(1, conn)?;
    Ok(())
}
