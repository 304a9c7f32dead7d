//! What the tests need to know of MySQL and MariaDB.

use diesel::prelude::*;
use diesel::sql_types::Bool;

super::helpers!(MysqlConnection);

pub(crate) type Place = Server;

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
pub(crate) const AFTER_BEGIN: &str = "SAVEPOINT noclobber_alive";
pub(crate) const RETURNING: &str = "";
pub(crate) const TELLS_EVERY_KEY: bool = false;

pub(crate) fn is_outside(conn: &mut Conn) -> bool {
    let inside = diesel::dsl::sql::<Bool>("@@in_transaction");
    !diesel::select(inside).get_result::<bool>(conn).unwrap()
}

/// What a deadlock's loser is told: to Diesel it is a serialization failure.
pub(crate) const DEADLOCK: noclobber::error::Reason = noclobber::error::Reason::Serialization;

pub(crate) const NOT_A_NUMBER: &str = "INSERT INTO documents (title, views) VALUES ('x', 'x')";

/// Ends the connection `victim` from another one.
pub(crate) fn kill(victim: &mut Conn, killer: &mut Conn) {
    use diesel::sql_types::BigInt;

    let id = diesel::dsl::sql::<BigInt>("CONNECTION_ID()");
    let id: i64 = diesel::select(id).get_result(victim).unwrap();
    run(&format!("KILL {id}"), killer);
}

pub(crate) const CREATE_NOTES: &str = "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL, views BIGINT NOT NULL DEFAULT 0, version BINARY(16) NOT NULL)";

pub(crate) fn set_level(level: &str, conn: &mut Conn) {
    run(&format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}"), conn);
}

/// Whoever waits for a lock gives up soon.
pub(crate) const SHORT_LOCK_WAIT: &str = "SET innodb_lock_wait_timeout = 1";

/// Whoever has to wait gives up at once; MySQL makes a second of it.
pub(crate) const SHORTEST_LOCK_WAIT: &str = "SET innodb_lock_wait_timeout = 0";

/// Without `innodb_snapshot_isolation`, a write goes to the row as it is now.
pub(crate) const SNAPSHOT_ENDS_TRANSACTION: bool = false;

/// The URL of a place on the server.
fn inside(url: &str, place: &str) -> String {
    let (url, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{place}{parameters}")
}

super::server::server! {
    url: "NOCLOBBER_MYSQL_URL",
    create: "CREATE DATABASE {}",
    enter: "USE {}",
    drop: "DROP DATABASE {}"
}
