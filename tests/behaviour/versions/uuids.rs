//! UUIDs, in every type of column that can hold them.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use noclobber::prelude::*;
use noclobber::version::{UuidVersion, Version};

use super::{create_things, version_of};
use crate::support::on_every_database;

version_of!(on_every_database bytes: UuidVersion, Binary, UUID_BYTES);
version_of!(on_every_database text: UuidVersion, Text, "VARCHAR(36)");
#[cfg(feature = "postgres")]
version_of!(
    on_postgres native: UuidVersion, Uuid, "UUID", #[diesel(check_for_backend(diesel::pg::Pg))]
);

on_every_database! {
    fn bytes_are_sixteen(conn) {
        use bytes::{Thing, things};

        run(&create_things(NUMBER_KEY, UUID_BYTES), conn);
        Thing::create(things::name.eq("thing"), conn).unwrap();
        let sixteen = diesel::dsl::sql::<Bool>("octet_length(version) = 16");
        assert_eq!(things::table.select(sixteen).get_result(conn), Ok(true));
    }

    fn text_is_what_the_version_shows(conn) {
        use text::{Thing, things};

        run(&create_things(NUMBER_KEY, "VARCHAR(36)"), conn);
        let thing = Thing::create(things::name.eq("thing"), conn).unwrap();
        let stored = things::table.select(things::version.concat("")).get_result::<String>(conn);
        assert_eq!(stored.unwrap(), thing.version.text());
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod after_a_lost_answer {
    use noclobber::Error;
    use noclobber::operation::Resolution;

    use super::*;
    use crate::support::proxy::{Cut, Proxy};

    /// What became of a write is known by the version, whatever column it is in.
    macro_rules! resolved {
        ($feature:literal $server:ident $model:ident $column:expr) => {
            #[cfg(feature = $feature)]
            mod $model {
                use super::super::$model::{Thing, things};
                use super::*;
                use crate::support::$server::*;

                fn resolution(when: Cut) -> Resolution {
                    let server = Server::new();
                    let proxy = Proxy::new(server.address());
                    let beside = &mut server.connect();
                    run(&create_things(NUMBER_KEY, $column), beside);
                    let thing = Thing::create(things::name.eq("draft"), beside).unwrap();
                    let cut_off = &mut server.connect_through(proxy.port);
                    // The statement is prepared now, and the next save is one message.
                    let thing = thing.save(cut_off).unwrap();
                    proxy.cut(when, "");
                    match thing.save(cut_off).unwrap_err() {
                        Error::UnknownOutcome(lost) => Thing::resolve(&lost, beside).unwrap(),
                        error => panic!("{error:?}"),
                    }
                }

                #[test]
                fn tells_a_write_that_was_applied() {
                    assert_eq!(resolution(Cut::After), Resolution::Applied);
                }

                #[test]
                fn tells_a_write_that_was_not() {
                    assert_eq!(resolution(Cut::Before), Resolution::NotApplied);
                }
            }
        };
    }

    resolved!("postgres" postgres native "UUID");
    resolved!("mysql" mysql text "VARCHAR(36)");
}
