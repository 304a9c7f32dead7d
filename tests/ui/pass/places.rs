//! Where a table and a model may stand: in modules, in a schema of the database, in a function.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::database;

mod schema {
    pub(super) mod auth {
        diesel::table! {
            auth.things (id) { id -> BigInt, name -> Text, version -> BigInt }
        }
    }

    diesel::table! {
        plain (id) { id -> BigInt, name -> Text, version -> BigInt }
    }
}

mod models {
    use diesel::prelude::*;
    use noclobber::Versioned;

    #[derive(Debug, HasQuery, Identifiable, Versioned)]
    #[diesel(table_name = super::schema::auth::things)]
    pub(super) struct Thing {
        id: i64,
        pub(super) name: String,
        version: i64,
    }

    #[derive(Debug, HasQuery, Identifiable, Versioned)]
    #[diesel(table_name = crate::pass::places::schema::plain)]
    pub(in crate::pass) struct Plain {
        pub(super) id: i64,
        name: String,
        pub(super) version: i64,
    }
}

#[test]
fn a_table_may_be_in_a_schema() {
    let conn = &mut database(
        "ATTACH ':memory:' AS auth;
         CREATE TABLE auth.things (id INTEGER PRIMARY KEY, name TEXT, version BIGINT);
         INSERT INTO auth.things VALUES (1, 'a', 1)",
    );
    let mut thing = models::Thing::find(1, conn).unwrap();
    thing.name.push('!');
    assert_eq!(thing.save(conn).unwrap().reload(conn).unwrap().name, "a!");
    assert_eq!(models::Thing::TABLE, "things");
}

#[test]
fn a_model_may_be_in_another_module_than_its_table() {
    let conn = &mut database(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT, version BIGINT);
         INSERT INTO plain VALUES (1, 'a', 1)",
    );
    let plain = models::Plain::find(1, conn).unwrap().touch(conn).unwrap();
    assert_eq!((plain.id, plain.version), (1, 2));
}

#[test]
fn a_model_may_be_in_a_function() {
    #[derive(Debug, HasQuery, Identifiable, Versioned)]
    #[diesel(table_name = schema::plain)]
    struct Local {
        id: i64,
        name: String,
        version: i64,
    }

    let conn = &mut database(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT, version BIGINT);
         INSERT INTO plain VALUES (1, 'a', 1)",
    );
    let local = Local { name: "b".into(), ..Local::find(1, conn).unwrap() };
    assert_eq!(local.save(conn).unwrap().reload(conn).unwrap().name, "b");
}

macro_rules! model {
    ($name:ident of $table:ident { $($field:ident: $ty:ty),* $(,)? }) => {
        #[derive(Debug, HasQuery, Identifiable, Versioned)]
        #[diesel(table_name = schema::$table)]
        struct $name {
            $($field: $ty,)*
        }
    };
}

model!(Made of plain { id: i64, name: String, version: i64 });

#[test]
fn a_model_may_be_made_by_a_macro() {
    let conn = &mut database(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT, version BIGINT);
         INSERT INTO plain VALUES (1, 'a', 1)",
    );
    let made = Made { name: "b".into(), ..Made::find(1, conn).unwrap() }.save(conn).unwrap();
    assert_eq!((made.id, made.name.as_str(), made.version), (1, "b", 2));
}
