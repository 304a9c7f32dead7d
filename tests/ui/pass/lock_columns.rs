//! Models that keep their leases in columns, with and without fields for those that may be read.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use noclobber::prelude::*;

use super::database;

diesel::table! {
    notes (id) {
        id -> BigInt,
        text -> Text,
        version -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<BigInt>,
        lock_token -> Nullable<Text>,
        lock_fence -> BigInt,
    }
}

const NOTES: &str = "
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY, text TEXT, version BIGINT, locked_by TEXT, locked_until BIGINT,
        lock_token TEXT, lock_fence BIGINT NOT NULL DEFAULT 0
    );
    INSERT INTO notes (id, text, version) VALUES (1, 'T', 1)";

/// Shows who holds it.
#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
#[versioned(lock_columns)]
struct Note {
    id: i64,
    text: String,
    locked_by: Option<String>,
    #[diesel(column_name = locked_until)]
    until: Option<i64>,
    version: i64,
}

#[derive(Debug, HasQuery, Columns)]
#[diesel(table_name = notes)]
struct Holder {
    #[versioned(unguarded)]
    locked_by: Option<String>,
    text: String,
}

/// Shows it in a part.
#[derive(Debug, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = notes)]
#[versioned(lock_columns)]
struct InParts {
    id: i64,
    #[diesel(embed)]
    holder: Holder,
    version: i64,
}

#[test]
fn a_save_writes_none_of_the_lock_columns() {
    let conn = &mut database(NOTES);
    let stale = Note::find(1, conn).unwrap();
    assert_eq!((&stale.locked_by, stale.until), (&None, None));
    conn.batch_execute("UPDATE notes SET locked_by = 'ann', locked_until = 7").unwrap();
    let saved = Note { text: "U".into(), ..stale }.save(conn).unwrap().reload(conn).unwrap();
    assert_eq!((saved.locked_by.as_deref(), saved.until), (Some("ann"), Some(7)));
    assert_eq!((saved.text.as_str(), saved.version, saved.id), ("U", 2, 1));

    let mut in_parts = InParts::find(1, conn).unwrap();
    in_parts.holder = Holder { locked_by: None, text: "V".into() };
    let saved = in_parts.save(conn).unwrap().reload(conn).unwrap();
    assert_eq!((saved.holder.locked_by.as_deref(), saved.holder.text.as_str()), (Some("ann"), "V"));
    assert_eq!((saved.version, saved.id), (3, 1));
}
