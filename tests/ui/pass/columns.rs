//! Which columns a model may have: only some of them, parts, none that is guarded.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::database;

diesel::table! {
    people (id) {
        id -> BigInt,
        name -> Text,
        street -> Text,
        town -> Nullable<Text>,
        visits -> BigInt,
        version -> BigInt,
    }
}

const PEOPLE: &str = "
    CREATE TABLE people (
        id INTEGER PRIMARY KEY, name TEXT, street TEXT, town TEXT, visits BIGINT, version BIGINT
    );
    INSERT INTO people VALUES (1, 'N', 'S', 'T', 0, 1)";

#[derive(Debug, HasQuery, Columns)]
#[diesel(table_name = people)]
struct Address {
    street: String,
    town: Option<String>,
    #[versioned(unguarded)]
    visits: i64,
}

#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = people)]
struct Person {
    id: i64,
    #[diesel(embed)]
    address: Address,
    version: i64,
}

#[test]
fn a_part_is_written_with_its_model() {
    let conn = &mut database(PEOPLE);
    let mut person = Person::find(1, conn).unwrap();
    person.address = Address { street: "X".into(), town: None, visits: 9 };
    let person = person.save(conn).unwrap().reload(conn).unwrap();
    let Address { street, town, visits } = person.address;
    assert_eq!((street.as_str(), town, visits, person.version), ("X", None, 0, 2));
    assert_eq!(person.id, 1);
}

/// Writes nothing but its version.
#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = people)]
struct Guard {
    id: i64,
    version: i64,
}

/// Reads a column twice and writes it once.
#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = people)]
struct Named {
    id: i64,
    name: String,
    #[diesel(skip_update, column_name = name)]
    loaded_as: String,
    version: i64,
}

#[test]
fn a_model_writes_the_columns_that_it_has() {
    let conn = &mut database(PEOPLE);
    let guard = Guard::find(1, conn).unwrap().save(conn).unwrap();
    assert_eq!((guard.id, guard.version), (1, 2));

    let named = Named { name: "M".into(), ..Named::find(1, conn).unwrap() }.save(conn).unwrap();
    assert_eq!(named.loaded_as, "N");
    assert_eq!((named.id, named.reload(conn).unwrap().loaded_as.as_str()), (1, "M"));
}
