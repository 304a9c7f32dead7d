//! A module whose own names are those of the standard library.

use ::noclobber::{Columns, Versioned, VersionedDsl as _};
use diesel::prelude::{HasQuery, Identifiable};

use super::database;

/// Names that an expansion must not take for others.
#[expect(dead_code, reason = "what counts is that they are there")]
mod names {
    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct String;
    pub(super) struct Box;
    pub(super) struct Vec;
    pub(super) trait Clone {}
    pub(super) trait Default {}
    pub(super) trait Into {}
    pub(super) trait From {}
    pub(super) trait Send {}
    pub(super) trait Key {}
    pub(super) trait Version {}
    pub(super) trait Backend {}
    pub(super) mod core {}
    pub(super) mod noclobber {}
}

#[allow(unused_imports, reason = "they only shadow")]
use names::*;

diesel::table! {
    notes (id) { id -> BigInt, body -> Text, tag -> Text, version -> BigInt }
}

#[derive(Debug, HasQuery, Columns)]
#[diesel(table_name = notes)]
struct Tag {
    tag: ::std::string::String,
}

#[derive(Debug, HasQuery, Identifiable, Versioned)]
struct Note {
    id: i64,
    body: ::std::string::String,
    #[diesel(embed)]
    tag: Tag,
    version: i64,
}

#[test]
fn an_expansion_names_what_it_means() {
    let conn = &mut database(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, tag TEXT, version BIGINT);
         INSERT INTO notes VALUES (1, 'b', 't', 1)",
    );
    let note = Note::find(1, conn).unwrap();
    let note = Note { body: "c".into(), ..note }.save(conn).unwrap();
    assert_eq!((note.id, note.body.as_str(), note.tag.tag.as_str()), (1, "c", "t"));
}
