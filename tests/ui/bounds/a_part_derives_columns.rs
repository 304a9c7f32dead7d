//~ `Address` cannot be embedded in a versioned model
//~ add `#[derive(Columns)]` to it

use diesel::prelude::*;
use noclobber::prelude::*;

diesel::table! {
    people (id) { id -> BigInt, street -> Text, version -> BigInt }
}

#[derive(HasQuery)]
#[diesel(table_name = people)]
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
    Person::find(1, conn)?;
    Ok(())
}
