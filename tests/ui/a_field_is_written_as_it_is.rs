use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    documents (id) { id -> BigInt, title -> Text, version -> BigInt }
}

#[derive(HasQuery, Identifiable, Insertable, Versioned)]
#[diesel(table_name = documents, check_for_backend(diesel::sqlite::Sqlite))]
struct Document {
    id: i64,
    #[diesel(serialize_as = String, column_name = title)]
    name: Name,
    version: i64,
}

struct Name(String);

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl Queryable<diesel::sql_types::Text, diesel::sqlite::Sqlite> for Name {
    type Row = String;

    fn build(name: String) -> diesel::deserialize::Result<Self> {
        Ok(Name(name))
    }
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    Document::create(documents::title.eq("New"), conn)?;
    document.save(conn)?.delete(conn)
}
