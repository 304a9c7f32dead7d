//! What the tests need to know of SQLite.

use diesel_migrations::EmbeddedMigrations;

super::helpers!(diesel::SqliteConnection);

/// What a test has of its own, for as many connections as it likes.
pub(crate) type Shared = super::Database;

pub(crate) const CREATE_DOCUMENTS: &str = "
    CREATE TABLE documents (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL CHECK (title <> 'forbidden'),
        body TEXT,
        views BIGINT NOT NULL DEFAULT 0,
        version BIGINT NOT NULL DEFAULT 1
    )";

/// Columns, as a table of a test's own declares them: keys (of a number that the database chooses, of
/// text, of text in which `Ann` is `ann`, of bytes), UUIDs as bytes, and
/// timestamps of each precision.
pub(crate) const NUMBER_KEY: &str = "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT";
pub(crate) const TEXT_KEY: &str = "TEXT NOT NULL PRIMARY KEY";
pub(crate) const CASELESS_KEY: &str = "TEXT NOT NULL COLLATE NOCASE PRIMARY KEY";
pub(crate) const BYTES_KEY: &str = "BLOB NOT NULL PRIMARY KEY";
pub(crate) const UUID_BYTES: &str = "BLOB";
pub(crate) const MICROSECONDS: &str = "TIMESTAMP";
pub(crate) const MILLISECONDS: &str = "TIMESTAMP";
pub(crate) const SECONDS: &str = "TIMESTAMP";

/// What `CASELESS_KEY` needs to be there.
pub(crate) const BEFORE_CASELESS: &str = "";

/// A name as the database's SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A schema beside the one that the connection is in, and its end.
pub(crate) const OPEN_OTHER_SCHEMA: &str = "ATTACH ':memory:' AS noclobber_other";
pub(crate) const CLOSE_OTHER_SCHEMA: &str = "DETACH noclobber_other";

/// The name of this module.
pub(crate) const NAME: &str = "sqlite";

/// A connection by the URL of a place.
pub(crate) fn connect_by(url: &str) -> Conn {
    let mut conn = <Conn as diesel::Connection>::establish(url).unwrap();
    // As the place has it already.
    let options = noclobber::backend::sqlite::ConnectionOptions::default();
    options.write_ahead_log(false).apply(&mut conn).unwrap();
    conn
}

/// An expression that is `ok` while the file is. A server looks after its own.
pub(crate) const INTEGRITY: &str = "(SELECT * FROM pragma_integrity_check)";

/// A trigger that keeps every UPDATE of a document from happening, without an error.
pub(crate) const VETO: &str = "
    CREATE TRIGGER veto BEFORE UPDATE ON documents BEGIN SELECT RAISE(IGNORE); END";

/// A trigger that keeps every INSERT of a document from happening, without an error.
pub(crate) const DROP_INSERT: &str = "
    CREATE TRIGGER drop_insert BEFORE INSERT ON documents BEGIN SELECT RAISE(IGNORE); END";

/// A trigger that keeps every DELETE of a document from happening, without an error.
pub(crate) const VETO_DELETE: &str = "
    CREATE TRIGGER veto_delete BEFORE DELETE ON documents BEGIN SELECT RAISE(IGNORE); END";

/// A trigger that fails every UPDATE of a document after the row is written, and the end of it.
pub(crate) const FAIL: &str = "
    CREATE TRIGGER fail AFTER UPDATE ON documents BEGIN SELECT RAISE(ABORT, 'no'); END";
pub(crate) const FAIL_NO_MORE: &str = "DROP TRIGGER fail";

/// A trigger that moves the version on at every UPDATE.
pub(crate) const MOVE_VERSION: &str = "
    CREATE TRIGGER move_version AFTER UPDATE ON documents
    BEGIN UPDATE documents SET version = OLD.version + 10 WHERE id = NEW.id; END";

/// What follows the look after a refused write, and the reads of `verify` and `verify_all`.
pub(crate) const LOOK: &str = "";
pub(crate) const HOLD: &str = "";
/// What takes a row at once, or not at all.
pub(crate) const AT_ONCE: &str = "";
pub(crate) const SHARE_AT_ONCE: &str = "";
/// What makes an insert of a key that is there no error.
pub(crate) const UNLESS_KEY_THERE: &str = " ON CONFLICT (\"id\") DO NOTHING";
/// What leaves out a row that somebody else has.
pub(crate) const SKIPPING: &str = "";
pub(crate) const SHARE_SKIPPING: &str = "";

/// What names are quoted by.
pub(crate) const QUOTE: &str = "\"";
pub(crate) const HOLD_TO_WRITE: &str = "";

/// What is sent at the beginning of a transaction, after `BEGIN`.
pub(crate) const AFTER_BEGIN: &str = "ROLLBACK; BEGIN IMMEDIATE; SAVEPOINT noclobber_alive";

/// What follows the values of an insert.
pub(crate) const RETURNING: &str = " RETURNING \"id\"";

/// Whether an insert tells a key that the database did not choose.
pub(crate) const TELLS_EVERY_KEY: bool = true;

pub(crate) fn is_outside(conn: &mut Conn) -> bool {
    // A BEGIN inside a transaction is an error.
    diesel::connection::SimpleConnection::batch_execute(conn, "BEGIN; ROLLBACK").is_ok()
}

/// The library's own tables, and the folder that they come from.
pub(crate) const MIGRATIONS: EmbeddedMigrations = noclobber::migrations::SQLITE;
pub(crate) const FOLDER: &str = "sqlite";

/// Everything that the database holds, but for what Diesel and SQLite keep for themselves.
pub(crate) fn schema(conn: &mut Conn) -> Vec<String> {
    let sql = "SELECT sql AS text FROM sqlite_master
               WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
                     AND tbl_name <> '__diesel_schema_migrations'
               ORDER BY sql";
    texts(sql, conn)
}

/// The settings of a session that decide what becomes of values which do not fit: none here.
pub(crate) const STRICTNESS: &[&str] = &["SELECT 1"];

/// Whether everybody who writes waits for everybody else who does.
pub(crate) const ONE_WRITER: bool = true;

/// Begins a transaction that is going to write.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Whoever would have to wait for another writer gives up at once.
pub(crate) const WITHOUT_PATIENCE: &str = "PRAGMA busy_timeout = 0";

/// A connection whose session is in another time zone than the server's. There are no sessions here.
pub(crate) const ABROAD: &str = "SELECT 1";

/// The name of a connection in the eyes of the server. There is none here.
pub(crate) fn session(_: &mut Conn) -> i64 {
    0
}

/// Whether the connection waits for a lock. Nobody can tell here.
pub(crate) fn is_waiting(_: i64, _: &mut Conn) -> bool {
    true
}
