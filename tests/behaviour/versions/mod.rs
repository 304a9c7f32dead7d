//! Every kind of version, in a table.

mod counters;
mod of_ones_own;
mod returning_keys;
mod timestamps;
mod uuids;

use diesel::prelude::*;
use noclobber::Found;
use noclobber::prelude::*;
use noclobber::version::Version;

/// A table whose version is of this type, as `things`. The key is the database's to choose.
fn create_things(key: &str, version: &str) -> String {
    format!("CREATE TABLE things (id {key}, name VARCHAR(20) NOT NULL, version {version} NOT NULL)")
}

/// A model with a version of this type, and what is true of every version on these databases.
macro_rules! version_of {
    (
        $databases:ident $name:ident: $version:ty, $sql_type:ident, $column:expr
        $(, #[$attribute:meta])*
    ) => {
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "the type of the version may stand around it")]
            use super::*;
            use $crate::versions::*;

            diesel::table! {
                use diesel::sql_types::*;
                things (id) { id -> BigInt, name -> Text, version -> $sql_type }
            }

            #[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
            #[diesel(table_name = things)]
            $(#[$attribute])*
            pub(crate) struct Thing {
                pub(crate) id: i64,
                pub(crate) name: String,
                pub(crate) version: $version,
            }

            $crate::support::$databases! {
                fn guards_what_it_is_the_version_of(conn) {
                    run(&create_things(NUMBER_KEY, $column), conn);
                    let first = Thing::create(things::name.eq("first"), conn).unwrap();
                    let second = Thing { name: "second".into(), ..first.clone() };
                    let second = second.save(conn).unwrap();
                    assert_ne!(first.version, second.version);
                    assert_eq!(Thing::find(first.id, conn).unwrap(), second);

                    let late = Thing { name: "late".into(), ..first.clone() };
                    let error = late.save(conn).unwrap_err();
                    let conflict = error.conflict().unwrap();
                    assert_eq!(conflict.expected(), first.version.text());
                    assert_eq!(*conflict.found(), Found::Version(second.version.text().into()));

                    assert!(first.delete(conn).unwrap_err().is_conflict());
                    second.delete(conn).unwrap();
                }

                fn is_given_to_what_is_created_with_its_key(conn) {
                    run(&create_things(NUMBER_KEY, $column), conn);
                    let first = Thing::create(things::name.eq("first"), conn).unwrap();
                    first.clone().delete(conn).unwrap();
                    let created = first.clone().upsert(None, conn).unwrap();
                    assert_eq!(Thing::find(first.id, conn).unwrap(), created);
                    let now = Found::Version(created.version.text().into());
                    let error = first.clone().upsert(None, conn).unwrap_err();
                    assert_eq!(*error.conflict().unwrap().found(), now);
                    let saved = first.clone().upsert(Some(created.version.clone()), conn).unwrap();
                    assert_ne!(saved.version, created.version);
                    let error = first.upsert(Some(created.version), conn).unwrap_err();
                    let now = Found::Version(saved.version.text().into());
                    assert_eq!(*error.conflict().unwrap().found(), now);
                    assert_eq!(Thing::find(saved.id, conn).unwrap(), saved);
                }

                fn is_found_again_and_different_at_every_write(conn) {
                    run(&create_things(NUMBER_KEY, $column), conn);
                    let mut thing = Thing::create(things::name.eq("new"), conn).unwrap();
                    let mut seen = vec![thing.version.clone()];
                    for write in 0..100 {
                        thing.name = write.to_string();
                        thing = thing.save(conn).unwrap();
                        assert!(!seen.contains(&thing.version));
                        seen.push(thing.version.clone());
                    }
                    // Not only the copy in memory matches.
                    let stored = Thing::find(thing.id, conn).unwrap();
                    assert_eq!(stored, thing);
                    stored.touch(conn).unwrap().reload(conn).unwrap().delete(conn).unwrap();
                }

                fn guards_batches_too(conn) {
                    run(&create_things(NUMBER_KEY, $column), conn);
                    let create = |_| Thing::create(things::name.eq("first"), conn).unwrap();
                    let first: Vec<Thing> = (0..3).map(create).collect();
                    let renamed = first.iter().map(|it| Thing { name: "second".into(), ..it.clone() });
                    let second = Thing::save_all(renamed, conn).unwrap();
                    for (first, second) in first.iter().zip(&second) {
                        assert_ne!(first.version, second.version);
                        assert_eq!(Thing::find(first.id, conn).unwrap(), *second);
                    }
                    let error = Thing::delete_all(first, conn).unwrap_err();
                    let conflict = error.conflict().unwrap();
                    assert_eq!(conflict.others().len(), 2);
                    assert_eq!(*conflict.found(), Found::Version(second[0].version.text().into()));
                    let third = Thing::save_all(second, conn).unwrap();
                    Thing::delete_all(third, conn).unwrap();
                    assert_eq!(things::table.count().get_result(conn), Ok(0_i64));
                }
            }
        }
    };
}

use version_of;
