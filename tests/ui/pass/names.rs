//! Names that need care: raw identifiers, quoted columns, an inferred table.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::database;

diesel::table! {
    audit_lines (id) {
        id -> BigInt,
        #[sql_name = "type"]
        type_ -> Text,
        r#match -> Text,
        #[sql_name = "two words"]
        two_words -> Text,
        version -> BigInt,
    }
}

/// The table is inferred from the name.
#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
struct AuditLine {
    id: i64,
    #[diesel(column_name = type_)]
    r#type: String,
    r#match: String,
    #[diesel(column_name = "two_words")]
    words: String,
    version: i64,
}

#[test]
fn columns_are_written_under_their_names_in_the_database() {
    let conn = &mut database(
        r#"CREATE TABLE audit_lines (
               id INTEGER PRIMARY KEY, "type" TEXT, "match" TEXT, "two words" TEXT, version BIGINT
           );
           INSERT INTO audit_lines VALUES (1, 'a', 'b', 'c', 1)"#,
    );
    let line = AuditLine::find(1, conn).unwrap();
    let changed = AuditLine { r#type: "x".into(), r#match: "y".into(), words: "z".into(), ..line };
    let saved = changed.save(conn).unwrap();
    assert_eq!(saved.reload(conn).unwrap(), saved);
    assert_eq!((saved.r#type.as_str(), saved.version), ("x", 2));
}

diesel::table! {
    #[sql_name = "select"]
    select_ (r#type) {
        r#type -> Text,
        #[sql_name = "group"]
        group_ -> BigInt,
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Versioned)]
#[diesel(table_name = select_)]
#[diesel(primary_key(r#type))]
struct Quoted {
    #[diesel(column_name = "type")]
    kind: String,
    #[diesel(column_name = group_)]
    #[versioned(version)]
    group: i64,
}

#[test]
fn a_table_a_key_and_a_version_may_be_called_like_keywords() {
    let conn = &mut database(
        r#"CREATE TABLE "select" ("type" TEXT PRIMARY KEY, "group" BIGINT);
           INSERT INTO "select" VALUES ('a', 1)"#,
    );
    let quoted = Quoted::find("a".to_owned(), conn).unwrap().save(conn).unwrap();
    assert_eq!((quoted.kind.as_str(), quoted.group), ("a", 2));
    quoted.delete(conn).unwrap();
}
