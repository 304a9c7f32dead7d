use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    people (id) { id -> BigInt, street -> Text, version -> BigInt }
}

#[derive(HasQuery, Columns)]
#[diesel(table_name = people)]
#[versioned(lock_columns)]
struct Address {
    street: String,
}

#[derive(HasQuery, Identifiable, Versioned)]
#[diesel(table_name = people)]
struct Person {
    id: i64,
    #[diesel(embed)]
    address: Address,
    version: i64,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let person = Person::find(1, conn)?;
    person.save(conn)?.delete(conn)
}
