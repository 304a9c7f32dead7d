//! What the tests need to know of MySQL and MariaDB.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::EmbeddedMigrations;

use super::server::{Isolation, LEVELS, OwnServer};

super::helpers!(MysqlConnection);

pub(crate) type Shared = Server;

pub(crate) const NAME: &str = "mysql";

pub(crate) fn connect_by(url: &str) -> Conn {
    Conn::establish(url).unwrap()
}

pub(crate) const INTEGRITY: &str = "'ok'";

const CREATE_DOCUMENTS: &str = "
    CREATE TABLE documents (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        title VARCHAR(255) NOT NULL CHECK (title <> 'forbidden'),
        body TEXT,
        views BIGINT NOT NULL DEFAULT 0,
        version BIGINT NOT NULL DEFAULT 1
    )";

pub(crate) const NUMBER_KEY: &str = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY";
// A collation that tells case and trailing spaces apart; MySQL calls it `utf8mb4_0900_bin`.
pub(crate) const TEXT_KEY: &str =
    "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY";
pub(crate) const CASELESS_KEY: &str =
    "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY";
pub(crate) const BYTES_KEY: &str = "VARBINARY(64) NOT NULL PRIMARY KEY";
pub(crate) const UUID_BYTES: &str = "BINARY(16)";
pub(crate) const MICROSECONDS: &str = "DATETIME(6)";
pub(crate) const MILLISECONDS: &str = "DATETIME(3)";
pub(crate) const SECONDS: &str = "DATETIME";

pub(crate) const BEFORE_CASELESS: &str = "DO 0";

pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

// As on PostgreSQL: all tests share the name and take turns.
pub(crate) const OPEN_OTHER_SCHEMA: &str = "
    DO GET_LOCK('noclobber_other', 60);
    DROP DATABASE IF EXISTS noclobber_other;
    CREATE DATABASE noclobber_other";
pub(crate) const CLOSE_OTHER_SCHEMA: &str = "DROP DATABASE noclobber_other";

pub(crate) const FAIL: &str = "
    CREATE TRIGGER fail AFTER UPDATE ON documents FOR EACH ROW SIGNAL SQLSTATE '45000'";
pub(crate) const FAIL_NO_MORE: &str = "DROP TRIGGER fail";

pub(crate) const MOVE_VERSION: &str = "
    CREATE TRIGGER move_version BEFORE UPDATE ON documents
        FOR EACH ROW SET NEW.version = OLD.version + 10";

/// The table `remarks`. Its first two inserts fail, as when another transaction was faster; on a
/// cluster that is how every statement can, and COMMIT.
pub(crate) const CREATE_REMARKS: &str = "
    CREATE TABLE remarks (id BIGINT);
    SET @tries = 0;
    CREATE TRIGGER refuse_twice BEFORE INSERT ON remarks FOR EACH ROW
    BEGIN
        SET @tries = @tries + 1;
        IF @tries < 3 THEN
            SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213,
                MESSAGE_TEXT = 'Deadlock found when trying to get lock; try restarting transaction';
        END IF;
    END";

pub(crate) const LOOK: &str = " LOCK IN SHARE MODE";
pub(crate) const HOLD: &str = " LOCK IN SHARE MODE";
/// What takes a row at once, or not at all.
pub(crate) const AT_ONCE: &str = " FOR UPDATE NOWAIT";
pub(crate) const SHARE_AT_ONCE: &str =
    " /*!80001 FOR SHARE NOWAIT */ /*M! LOCK IN SHARE MODE NOWAIT */";
/// What makes an insert of a key that is there no error.
pub(crate) const UNLESS_KEY_THERE: &str = "";
/// What leaves out a row that somebody else has.
pub(crate) const SKIPPING: &str = " FOR UPDATE SKIP LOCKED";
pub(crate) const SHARE_SKIPPING: &str =
    " /*!80001 FOR SHARE SKIP LOCKED */ /*M! LOCK IN SHARE MODE SKIP LOCKED */";

/// What names are quoted by.
pub(crate) const QUOTE: &str = "`";
pub(crate) const HOLD_TO_WRITE: &str = " FOR UPDATE";
pub(crate) const AFTER_BEGIN: &str = "SAVEPOINT noclobber_alive";
pub(crate) const RETURNING: &str = "";
pub(crate) const TELLS_EVERY_KEY: bool = false;

pub(crate) fn is_outside(conn: &mut Conn) -> bool {
    let inside = diesel::dsl::sql::<Bool>("@@in_transaction");
    !diesel::select(inside).get_result::<bool>(conn).unwrap()
}

pub(crate) const NOT_A_NUMBER: &str = "INSERT INTO documents (title, views) VALUES ('x', 'x')";

/// Ends the connection `victim` from another one.
pub(crate) fn kill(victim: &mut Conn, killer: &mut Conn) {
    use diesel::sql_types::BigInt;

    let id = diesel::dsl::sql::<BigInt>("CONNECTION_ID()");
    let id: i64 = diesel::select(id).get_result(victim).unwrap();
    run(&format!("KILL {id}"), killer);
}

pub(crate) const CREATE_NOTES: &str = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL, views BIGINT NOT NULL DEFAULT 0, version BINARY(16) NOT NULL)";

/// Each level without MariaDB's `innodb_snapshot_isolation`, and with it where the server knows it. A
/// write goes to the row as it is now, unless that ends the transaction.
pub(crate) fn isolations(conn: &mut Conn) -> Vec<Isolation> {
    let isolation = |level, before: &str, snapshot_ends_transaction| Isolation {
        level,
        set: format!("{before} SET SESSION TRANSACTION ISOLATION LEVEL {level}"),
        snapshot_ends_transaction,
    };
    let [off, on] =
        ["OFF", "ON"].map(|on| format!("SET SESSION innodb_snapshot_isolation = {on};"));
    let is_known = diesel::connection::SimpleConnection::batch_execute(conn, &off).is_ok();
    if !is_known {
        return LEVELS.map(|level| isolation(level, "", false)).into();
    }
    let without = LEVELS.map(|level| isolation(level, &off, false));
    let with = LEVELS.map(|level| isolation(level, &on, level == "REPEATABLE READ"));
    [without, with].concat()
}

/// A server that crashes and comes back keeps what was committed.
/// None where it is not installed.
pub(crate) fn own_server() -> Option<OwnServer<testserver::Mariadb>> {
    own_server_with("--innodb-flush-log-at-trx-commit=2")
}

pub(crate) fn own_server_with(option: &'static str) -> Option<OwnServer<testserver::Mariadb>> {
    OwnServer::start(testserver::Mariadb::find(), move |server| {
        server.arg(option);
    })
}

/// After it the server's messages are in German.
pub(crate) const GERMAN: &str = "SET lc_messages = 'de_DE'";

pub(crate) fn with_german_server(work: impl FnOnce(&Server)) -> Result<(), &'static str> {
    work(&Server::new());
    Ok(())
}

/// A transaction survives it when a lock is not to be had.
pub(crate) const IGNORES_LOCK_TIMEOUTS: bool = true;

/// Whoever waits for a lock gives up soon.
pub(crate) const SHORT_LOCK_WAIT: &str = "SET innodb_lock_wait_timeout = 1";

/// The library's own tables, and the folder that they come from.
pub(crate) const MIGRATIONS: EmbeddedMigrations = noclobber::migrations::MYSQL;
pub(crate) const FOLDER: &str = "mysql";

/// Every table of the database, but for the one that Diesel keeps for itself.
pub(crate) fn schema(conn: &mut Conn) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "Create Table")]
        create: String,
    }
    let tables = "SELECT table_name AS text FROM information_schema.tables
                  WHERE table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_diesel%'
                  ORDER BY table_name";
    let tables = texts(tables, conn);
    let show = |table| {
        let shown = diesel::sql_query(format!("SHOW CREATE TABLE {table}"));
        shown.get_result::<Table>(conn).unwrap().create
    };
    tables.into_iter().map(show).collect()
}

/// The settings of a session that decide what becomes of values which do not fit.
pub(crate) const STRICTNESS: &[&str] =
    &["SET SESSION sql_mode = 'STRICT_ALL_TABLES'", "SET SESSION sql_mode = ''"];

/// Whoever has to wait gives up at once; MySQL makes a second of it.
pub(crate) const SHORTEST_LOCK_WAIT: &str = "SET innodb_lock_wait_timeout = 0";

/// The URL of a place on the server.
fn inside(url: &str, place: &str) -> String {
    let (url, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{place}{parameters}")
}

/// Whether everybody who writes waits for everybody else who does.
pub(crate) const ONE_WRITER: bool = false;

/// Begins a transaction that is going to write.
pub(crate) const BEGIN: &str = "BEGIN";

/// Whoever would have to wait for another writer gives up at once. Not here, where only rows are
/// waited for, and what does not want to wait says so itself.
pub(crate) const WITHOUT_PATIENCE: &str = "SELECT 1";

/// A connection whose session is in another time zone than the server's.
pub(crate) const ABROAD: &str = "SET time_zone = '+05:00'";

/// The name of a connection in the eyes of the server.
pub(crate) fn session(conn: &mut Conn) -> i64 {
    texts("SELECT CAST(CONNECTION_ID() AS CHAR) AS text", conn)[0].parse().unwrap()
}

/// Whether the connection waits for a lock: nothing else takes a statement of these tests a second. The
/// table `innodb_trx` is of no use to who asks often, since it is only brought up to date when nobody has
/// asked for a while.
pub(crate) fn is_waiting(session: i64, conn: &mut Conn) -> bool {
    let sql = format!(
        "SELECT command AS text FROM information_schema.processlist
         WHERE id = {session} AND command IN ('Query', 'Execute') AND time >= 1"
    );
    !texts(&sql, conn).is_empty()
}

super::server::server! {
    place: Mysql,
    url: "NOCLOBBER_MYSQL_URL",
    create: "CREATE DATABASE {}",
    // A test that waits for ever is worse than one that fails: for a lock, or for an answer that the server
    // does not know of. Newer MariaDBs have the last one on; each test that is about it says so.
    enter: "SET SESSION lock_wait_timeout = 60; SET SESSION wait_timeout = 120; \
            /*M!110602 SET SESSION innodb_snapshot_isolation = OFF; */ USE {}",
    drop: "SET SESSION lock_wait_timeout = 60; DROP DATABASE {}"
}
