//! Roots and children whose versions do not count: timestamps, UUIDs, and what a trigger makes of them.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::version::UuidVersion;
use noclobber::{Error, Result};

use crate::support::{Witness, documents, on_every_database};

/// A root in the table `$table` with a version of this kind, and a child in `parts`.
macro_rules! aggregate_of {
    ($name:ident: $version:ty, $sql_type:ident) => {
        mod $name {
            use diesel::prelude::*;
            use noclobber::prelude::*;

            diesel::table! { wholes (id) { id -> BigInt, name -> Text, version -> $sql_type } }
            diesel::table! {
                parts (id) { id -> BigInt, whole_id -> BigInt, name -> Text, version -> BigInt }
            }

            #[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
            pub(super) struct Whole {
                pub(super) id: i64,
                pub(super) name: String,
                pub(super) version: $version,
            }

            #[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
            #[versioned(root(Whole, whole_id))]
            pub(super) struct Part {
                pub(super) id: i64,
                pub(super) whole_id: i64,
                pub(super) name: String,
                pub(super) version: i64,
            }
        }
    };
}

aggregate_of!(stamped: super::NaiveDateTime, Timestamp);
aggregate_of!(random: super::UuidVersion, Binary);

fn create(number_key: &str, version: &str) -> String {
    format!(
        "CREATE TABLE wholes (id {number_key}, name VARCHAR(20) NOT NULL, version {version} NOT NULL);
         CREATE TABLE parts (id {number_key}, whole_id BIGINT NOT NULL, name VARCHAR(20) NOT NULL,
                             version BIGINT NOT NULL)"
    )
}

// As far as MariaDB takes what is bound as a timestamp.
const FAR_AHEAD: &str = "UPDATE wholes SET version = '2037-12-01 00:00:00'";

on_every_database! {
    /// Also where the clock was set back: what is read of the row decides, and not the clock alone.
    fn a_timestamp_of_the_root_only_ever_rises(conn) {
        use stamped::{Part, Whole, parts, wholes};

        run(&create(NUMBER_KEY, MICROSECONDS), conn);
        let whole = Whole::create(wholes::name.eq("whole"), conn).unwrap();
        let part = Part::create_in(whole.id, parts::name.eq("part"), conn).unwrap();
        let bumped = whole.reload(conn).unwrap();
        assert!(bumped.version > whole.version);
        assert!(whole.save(conn).unwrap_err().is_conflict());

        run(FAR_AHEAD, conn);
        let ahead = bumped.reload(conn).unwrap();
        let witness = Witness::of(conn);
        let part = part.save(conn).unwrap();
        let sent = witness.sent();
        let held = sent.iter().position(|sql| sql.starts_with("SELECT \"version\" FROM \"wholes\""));
        assert_eq!(
            sent[held.unwrap()],
            format!("SELECT \"version\" FROM \"wholes\" WHERE \"id\" = ?{HOLD_TO_WRITE}")
        );
        let later = ahead.reload(conn).unwrap();
        assert!(later.version > ahead.version);
        assert!(ahead.save(conn).unwrap_err().is_conflict());
        let (whole, part) = later.save_with(conn, |whole| whole.save_child(part)).unwrap();
        whole.delete_with(conn, |whole| whole.delete_child(part)).unwrap();
    }

    fn a_uuid_of_the_root_is_another_one_after_each_write_of_a_child(conn) {
        use random::{Part, Whole, parts, wholes};

        run(&create(NUMBER_KEY, UUID_BYTES), conn);
        let whole = Whole::create(wholes::name.eq("whole"), conn).unwrap();
        let part = Part::create_in(whole.id, parts::name.eq("part"), conn).unwrap();
        let first = whole.reload(conn).unwrap();
        let part = part.save(conn).unwrap();
        let second = whole.reload(conn).unwrap();
        assert!(whole.version != first.version && first.version != second.version);
        assert!(first.save(conn).unwrap_err().is_conflict());
        let (whole, part) = second.save_with(conn, |whole| whole.save_child(part)).unwrap();
        assert_eq!(whole.reload(conn).unwrap(), whole);
        let gone = Part { whole_id: 99, ..part.clone() };
        assert!(matches!(gone.save(conn), Err(Error::RootNotFound { .. })));
        part.delete(conn).unwrap();
    }

    fn a_trigger_moves_the_root_on_when_a_child_is_written(conn) {
        run(&create(NUMBER_KEY, "BIGINT"), conn);
        run(MOVE_VERSION, conn);
        let kept = Kept::create(documents::title.eq("kept"), conn).unwrap();
        let page = Page::create_in(kept.id, parts::name.eq("page"), conn).unwrap();
        assert_eq!(kept.reload(conn).unwrap().version, 11);
        assert!(kept.clone().save(conn).unwrap_err().is_conflict());
        let page = page.save(conn).unwrap();
        let kept = kept.reload(conn).unwrap();
        assert_eq!((kept.version, page.version), (21, 2));
        let (kept, page) = kept.save_with(conn, |kept| {
            assert_eq!(kept.version, 31);
            kept.save_child(page)
        }).unwrap();
        assert_eq!(kept.reload(conn).unwrap(), kept);
        kept.delete_with(conn, |kept| kept.delete_child(page)).unwrap();
        assert_eq!(parts::table.count().get_result(conn), Ok(0_i64));
    }

    fn a_root_that_no_trigger_moves_on_is_an_error_and_the_child_is_not_written(conn) {
        run(&create(NUMBER_KEY, "BIGINT"), conn);
        let kept = Kept::create(documents::title.eq("kept"), conn).unwrap();
        let created = Page::create_in(kept.id, parts::name.eq("page"), conn);
        assert!(matches!(created, Err(Error::VersionUnchanged { .. })), "{created:?}");
        assert_eq!(parts::table.count().get_result(conn), Ok(0_i64));
    }

    fn a_child_whose_version_a_trigger_moves_on_is_read_back(conn) {
        run(&create(NUMBER_KEY, "BIGINT"), conn);
        run(MOVE_VERSION, conn);
        run("INSERT INTO wholes (name, version) VALUES ('whole', 1)", conn);
        let draft = Draft::create_in(1, documents::title.eq("draft"), conn).unwrap();
        assert_eq!((draft.views, draft.version), (1, 1));
        let draft = draft.save(conn).unwrap().touch(conn).unwrap();
        assert_eq!(draft.version, 21);
        let version = Draft::patch(draft.id, 21, documents::title.eq("patched"), conn).unwrap();
        assert_eq!(version, 31);
        let book = Book::find(1, conn).unwrap();
        assert_eq!(book.version, 5);
        let draft = Draft::find(draft.id, conn).unwrap();
        let (_, draft) = book.save_with(conn, |book| book.save_child(draft)).unwrap();
        assert_eq!(draft.version, 41);
        let answer: Result<Draft> = Draft { version: 7, ..draft }.save(conn);
        assert!(answer.unwrap_err().is_conflict());
        assert_eq!(Book::find(1, conn).unwrap().version, 6);
    }
}

diesel::table! { wholes (id) { id -> BigInt, name -> Text, version -> BigInt } }
diesel::table! {
    parts (id) { id -> BigInt, whole_id -> BigInt, name -> Text, version -> BigInt }
}

/// A root whose trigger adds ten.
#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[diesel(table_name = documents)]
#[versioned(trigger)]
struct Kept {
    id: i64,
    title: String,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[diesel(table_name = parts)]
#[versioned(root(Kept, whole_id))]
struct Page {
    id: i64,
    whole_id: i64,
    name: String,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[diesel(table_name = wholes)]
struct Book {
    id: i64,
    name: String,
    version: i64,
}

/// A child whose trigger adds ten. The number of its book stands in a column that happens to be there.
#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[diesel(table_name = documents)]
#[versioned(trigger, root(Book, views))]
struct Draft {
    id: i64,
    title: String,
    views: i64,
    version: i64,
}
