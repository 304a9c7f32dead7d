//! Parts of a record: embedded ones, columns that are not written, projections.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::sent;
use crate::support::{Witness, on_every_database, on_sqlite};

diesel::table! {
    people (id) {
        id -> BigInt,
        name -> Text,
        street -> Text,
        town -> Nullable<Text>,
        visits -> BigInt,
        secret -> Text,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Columns)]
#[diesel(table_name = people)]
struct Address {
    street: String,
    town: Option<String>,
    #[versioned(unguarded)]
    visits: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = people)]
struct Person {
    id: i64,
    name: String,
    #[diesel(embed)]
    address: Address,
    #[diesel(skip_update)]
    secret: String,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Versioned)]
#[diesel(table_name = people)]
struct PersonsName {
    id: i64,
    name: String,
    #[diesel(select_expression = people::name.concat("!"))]
    greeting: String,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[diesel(table_name = people)]
struct Bare {
    id: i64,
    version: i64,
}

/// The columns of the table, after its key.
const PERSON: &str = "
    name VARCHAR(20) NOT NULL, street VARCHAR(20) NOT NULL, town VARCHAR(20),
    visits BIGINT NOT NULL DEFAULT 0, secret VARCHAR(20) NOT NULL DEFAULT 'kept',
    version BIGINT NOT NULL";

on_every_database! {
    fn an_embedded_parts_columns_are_written(conn) {
        run(&format!("CREATE TABLE people (id {NUMBER_KEY}, {PERSON})"), conn);
        let new = (people::name.eq("Ann"), people::street.eq("1 Main St"));
        let ann = Person::create(new, conn).unwrap();
        let witness = Witness::of(conn);
        let address = Address { town: Some("Ulm".into()), ..ann.address.clone() };
        let moved = Person { address, ..ann.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            ["UPDATE \"people\" SET \"name\" = ?, \"street\" = ?, \"town\" = ?, \
              \"version\" = \"version\" + 1 WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert_eq!(Person::find(1, conn).unwrap(), moved);
        let address = Address { town: None, ..moved.address.clone() };
        let moved = Person { address, ..moved }.save(conn).unwrap();
        assert_eq!(Person::find(1, conn).unwrap(), moved);
        assert!(ann.save(conn).unwrap_err().is_conflict());
    }

    fn an_embedded_parts_columns_are_inserted(conn) {
        run(&format!("CREATE TABLE people (id {NUMBER_KEY}, {PERSON})"), conn);
        let address = Address { street: "1 Main St".into(), town: Some("Ulm".into()), visits: 9 };
        let ann = Person { id: 7, name: "Ann".into(), address, secret: "told".into(), version: 0 };
        let created = ann.clone().upsert(None, conn).unwrap();
        // As after a save, what it does not write is the database's.
        let address = Address { visits: 0, ..ann.address.clone() };
        assert_eq!(created, Person { address, secret: "kept".into(), version: 1, ..ann.clone() });
        assert_eq!(Person::find(7, conn).unwrap(), created);
        assert!(ann.upsert(None, conn).unwrap_err().is_conflict());
    }

    fn a_batch_writes_what_a_save_writes(conn) {
        run(&format!("CREATE TABLE people (id {NUMBER_KEY}, {PERSON})"), conn);
        let mut create = |name| {
            let new = (people::name.eq(name), people::street.eq("1 Main St"), people::town.eq("Ulm"));
            Person::create(new, conn).unwrap()
        };
        let people = [create("Ann"), create("Bob")];
        let changed = people.map(|person| Person {
            address: Address { town: None, visits: 7, street: person.name.clone() },
            secret: "told".into(),
            ..person
        });
        Person::save_all(changed.clone(), conn).unwrap();
        for person in changed {
            let address = Address { visits: 0, ..person.address.clone() };
            let stored = Person { version: 2, secret: "kept".into(), address, ..person };
            assert_eq!(Person::find(stored.id, conn).unwrap(), stored);
        }
        // A projection too, and one that writes nothing but the version.
        let names = [1, 2].map(|id| PersonsName::find(id, conn).unwrap());
        PersonsName::save_all(names, conn).unwrap();
        let bare: Vec<Bare> = Bare::query().load(conn).unwrap();
        let bare = Bare::save_all(bare, conn).unwrap();
        assert_eq!(Person::find(2, conn).unwrap().version, 4);
        Bare::delete_all(bare, conn).unwrap();
        assert!(Person::find(1, conn).unwrap_err().is_not_found());
    }

    fn what_diesel_skips_in_updates_is_skipped(conn) {
        run(&format!("CREATE TABLE people (id {NUMBER_KEY}, {PERSON})"), conn);
        let new = (people::name.eq("Ann"), people::street.eq("1 Main St"));
        let ann = Person::create(new, conn).unwrap();
        Person { secret: "told".into(), ..ann }.save(conn).unwrap();
        assert_eq!(Person::find(1, conn).unwrap().secret, "kept");
    }

    fn a_projection_writes_its_own_columns_and_guards_the_whole_record(conn) {
        run(&format!("CREATE TABLE people (id {NUMBER_KEY}, {PERSON})"), conn);
        let new = (people::name.eq("Ann"), people::street.eq("1 Main St"));
        let ann = Person::create(new, conn).unwrap();
        let name = PersonsName::find(1, conn).unwrap();
        assert_eq!(name.greeting, "Ann!");
        let witness = Witness::of(conn);
        PersonsName { name: "Anna".into(), ..name.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            ["UPDATE \"people\" SET \"name\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert!(ann.clone().save(conn).unwrap_err().is_conflict());
        let now = ann.reload(conn).unwrap();
        assert_eq!((now.name.as_str(), now.address.street.as_str()), ("Anna", "1 Main St"));
        assert!(name.save(conn).unwrap_err().is_conflict());
    }
}

/// Which column is read is decided when the statement is built, and its type does not tell.
mod chosen {
    use std::cell::Cell;

    use diesel::sql_types::Text;
    use diesel::sqlite::Sqlite;

    use super::*;

    type Column = Box<dyn BoxableExpression<people::table, Sqlite, SqlType = Text>>;

    thread_local! {
        static STREET: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn choose(street: bool) {
        STREET.set(street);
    }

    fn column() -> Column {
        if STREET.get() { Box::new(people::street) } else { Box::new(people::name) }
    }

    #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Versioned)]
    #[diesel(table_name = people, check_for_backend(Sqlite))]
    pub(super) struct Chosen {
        pub(super) id: i64,
        #[diesel(select_expression = column(), select_expression_type = Column)]
        pub(super) text: String,
        pub(super) version: i64,
    }
}

on_sqlite! {
    fn a_selection_that_differs_from_call_to_call_is_sent_as_it_is(conn) {
        run(&format!("CREATE TABLE people (id {NUMBER_KEY}, {PERSON})"), conn);
        let new = (people::name.eq("Ann"), people::street.eq("1 Main St"));
        Person::create(new, conn).unwrap();
        for (street, text) in [(false, "Ann"), (true, "1 Main St"), (false, "Ann")] {
            chosen::choose(street);
            assert_eq!(chosen::Chosen::find(1, conn).unwrap().text, text);
        }
    }
}
