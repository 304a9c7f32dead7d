//! What the tests need to know of MySQL and MariaDB.

use diesel::prelude::*;
use diesel::sql_types::Bool;

super::helpers!(MysqlConnection);

const CREATE_DOCUMENTS: &str = "
    CREATE TABLE documents (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        title VARCHAR(255) NOT NULL CHECK (title <> 'forbidden'),
        body TEXT,
        views BIGINT NOT NULL DEFAULT 0,
        version BIGINT NOT NULL DEFAULT 1
    )";

pub(crate) const FAIL: &str = "
    CREATE TRIGGER fail AFTER UPDATE ON documents FOR EACH ROW SIGNAL SQLSTATE '45000'";
pub(crate) const FAIL_NO_MORE: &str = "DROP TRIGGER fail";

pub(crate) const LOOK: &str = " LOCK IN SHARE MODE";
pub(crate) const HOLD: &str = " LOCK IN SHARE MODE";
pub(crate) const AFTER_BEGIN: &str = "SAVEPOINT noclobber_alive";
pub(crate) const RETURNING: &str = "";

pub(crate) fn is_outside(conn: &mut Conn) -> bool {
    let inside = diesel::dsl::sql::<Bool>("@@in_transaction");
    !diesel::select(inside).get_result::<bool>(conn).unwrap()
}

/// A database of its own on the server, gone when this is dropped.
pub(crate) struct Server {
    url: String,
    database: String,
}

impl Server {
    pub(crate) fn new() -> Self {
        let url = std::env::var("NOCLOBBER_MYSQL_URL").unwrap_or_else(|_| {
            panic!("NOCLOBBER_MYSQL_URL is not set: run the tests by `cargo xtask test`")
        });
        let database = format!("test_{}", super::database::unique());
        let server = Server { url, database };
        let conn = &mut MysqlConnection::establish(&server.url).unwrap();
        run(&format!("CREATE DATABASE {}", server.database), conn);
        run(CREATE_DOCUMENTS, &mut server.connect());
        server
    }

    pub(crate) fn connect(&self) -> MysqlConnection {
        let mut conn = MysqlConnection::establish(&self.url).unwrap();
        run(&format!("USE {}", self.database), &mut conn);
        conn
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(mut conn) = MysqlConnection::establish(&self.url) {
            let drop = format!("DROP DATABASE {}", self.database);
            let _ = diesel::connection::SimpleConnection::batch_execute(&mut conn, &drop);
        }
    }
}
