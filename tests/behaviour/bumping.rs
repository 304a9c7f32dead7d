//! `bump_version`: updates of Diesel's, of many rows, that make open copies stale.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found, Versioned};

use crate::support::{Document, Witness, documents, on_every_database};

fn found(error: Error) -> Found {
    error.conflict().unwrap_or_else(|| panic!("{error:?}")).found().clone()
}

on_every_database! {
    fn copies_of_what_an_update_has_written_are_stale(conn) {
        let (a, b) = (document("a", conn), document("b", conn).touch(conn).unwrap());
        let other = document("other", conn);
        let witness = Witness::of(conn);
        let written = diesel::update(documents::table.filter(documents::title.ne("other")))
            .set((documents::title.eq("x"), Document::bump_version()))
            .execute(conn);
        assert_eq!(written, Ok(2));
        let sent = witness.sent();
        let set = "\"title\" = ?, \"version\" = \"documents\".\"version\" + 1 WHERE";
        assert!(sent[0].contains(set) && sent.len() == 1, "{sent:?}");

        for (stale, now) in [(a.clone(), "2"), (b.clone(), "3")] {
            assert_eq!(found(stale.clone().save(conn).unwrap_err()), Found::Version(now.into()));
            assert_eq!(found(stale.delete(conn).unwrap_err()), Found::Version(now.into()));
        }
        let written = |stale: Document, version| Document { title: "x".into(), version, ..stale };
        assert_eq!(row(a.id, conn), Some(written(a, 2)));
        assert_eq!(row(b.id, conn), Some(written(b, 3)));
        // What was not written is as it was.
        assert_eq!(other.clone().save(conn).unwrap().version, other.version + 1);
    }

    fn alone_it_makes_copies_stale_and_changes_nothing_else(conn) {
        let draft = document("draft", conn);
        diesel::update(&draft).set(Document::bump_version()).execute(conn).unwrap();
        assert_eq!(row(draft.id, conn), Some(Document { version: 2, ..draft.clone() }));
        assert!(draft.save(conn).unwrap_err().is_conflict());
    }

    /// MySQL has no other place for what is joined than a subquery either.
    fn rows_may_be_chosen_by_another_table(conn) {
        run("CREATE TABLE closed (document BIGINT NOT NULL PRIMARY KEY, version BIGINT)", conn);
        let (a, b) = (document("a", conn), document("b", conn));
        run(&format!("INSERT INTO closed VALUES ({}, 70)", a.id), conn);
        diesel::table! { closed (document) { document -> BigInt, version -> Nullable<BigInt> } }
        diesel::allow_tables_to_appear_in_same_query!(documents, closed);
        let chosen = closed::table.filter(closed::document.eq(documents::id)).select(closed::document);
        diesel::update(documents::table.filter(diesel::dsl::exists(chosen)))
            .set((Document::bump_version(), documents::body.eq(None::<String>)))
            .execute(conn)
            .unwrap();
        assert_eq!(row(a.id, conn), Some(Document { version: 2, body: None, ..a }));
        assert_eq!(row(b.id, conn), Some(b));
    }

    fn a_version_at_its_maximum_is_not_raised(conn) {
        // Where the column does not bound itself, a CHECK does.
        run("CREATE TABLE small (id BIGINT NOT NULL PRIMARY KEY, version SMALLINT NOT NULL
             CHECK (version <= 32767))", conn);
        run("INSERT INTO small VALUES (1, 32767)", conn);
        diesel::table! { small (id) { id -> BigInt, version -> SmallInt } }
        #[derive(Debug, HasQuery, Versioned)]
        #[diesel(table_name = small)]
        struct Small { id: i64, version: i16 }
        assert!(diesel::update(small::table).set(Small::bump_version()).execute(conn).is_err());
        let kept = Small::find(1, conn).unwrap();
        assert_eq!((kept.key(), kept.version), (1, 32767));
    }
}

/// Where the name alone would also be that of the row that could not be inserted.
macro_rules! inserts_that_update {
    ($conn:expr) => {{
        let stale = document("draft", $conn);
        diesel::insert_into(documents::table)
            .values((documents::id.eq(stale.id), documents::title.eq("again")))
            .on_conflict(documents::id)
            .do_update()
            .set((documents::title.eq("x"), Document::bump_version()))
            .execute($conn)
            .unwrap();
        let written = Document { title: "x".into(), version: 2, ..stale.clone() };
        assert_eq!(row(stale.id, $conn), Some(written));
        assert!(stale.save($conn).unwrap_err().is_conflict());
    }};
}

#[test]
fn it_stands_in_an_insert_of_sqlites_that_updates() {
    use crate::support::sqlite::{document, row};

    let conn = &mut crate::support::Database::in_memory().connect();
    inserts_that_update!(conn);
}

#[cfg(feature = "postgres")]
#[test]
fn it_stands_in_an_insert_of_postgres_that_updates_and_in_what_an_update_returns() {
    use crate::support::postgres::{Server, document, row};

    let server = Server::new();
    let conn = &mut server.connect();
    inserts_that_update!(conn);
    let update = diesel::update(documents::table)
        .set((documents::title.eq("y"), Document::bump_version()))
        .returning((documents::title, documents::version));
    assert_eq!(update.load::<(String, i64)>(conn), Ok(vec![("y".into(), 3)]));
}
