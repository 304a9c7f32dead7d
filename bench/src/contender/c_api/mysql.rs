//! The C API of MySQL and MariaDB, alone.

use std::ffi::CString;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::Prepared;
use crate::Result;
use crate::database::Database;
use crate::mysql_c::{Address, Connection, Parameter, Timestamp, Update};
use crate::workload::{AUTHOR, BODY, ID, PRICE, UPDATE, VIEWS, title, updated_at};

const DEFAULT_PORT: u16 = 3306;

pub struct Mysql {
    update: Update,
    // After its statement, which ends with it.
    connection: Connection,
    /// As it is bound.
    updated_at: Timestamp,
}

impl Prepared for Mysql {
    fn open(database: &dyn Database) -> Result<Self> {
        let connection = Connection::open(&address(database.url())?)?;
        connection.execute(database.set_up_sql())?;
        let update = connection.prepare(UPDATE)?;
        Ok(Self { update, connection, updated_at: Timestamp::new(updated_at()?)? })
    }

    fn write(&mut self, version: i64) -> Result<u64> {
        let next_version = version + 1;
        self.update.run(&[
            Parameter::Text(title(next_version)),
            Parameter::Text(BODY),
            Parameter::Text(AUTHOR),
            Parameter::Integer(VIEWS),
            Parameter::Double(PRICE),
            Parameter::Timestamp(&self.updated_at),
            Parameter::Integer(next_version),
            Parameter::Integer(ID),
            Parameter::Integer(version),
        ])
    }

    /// One statement is all that is ever asked for here.
    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.connection.execute(sql)
    }
}

/// Takes a URL apart. What Diesel takes beyond host, port, user and password is refused: a floor on
/// another kind of connection would not be one.
fn address(url: &str) -> Result<Address> {
    let url = Url::parse(url)?;
    if url.query().is_some() {
        let message = "the floor connects by host, port, user and password alone; name the server \
                       by a URL without parameters";
        return Err(message.into());
    }
    let host = match url.host().ok_or("the URL has no host")? {
        // Without the brackets.
        Host::Ipv6(address) => address.to_string(),
        host => host.to_string(),
    };
    Ok(Address {
        host: CString::new(host)?,
        port: url.port().unwrap_or(DEFAULT_PORT),
        user: decoded(url.username())?,
        password: decoded(url.password().unwrap_or_default())?,
    })
}

fn decoded(part: &str) -> Result<CString> {
    Ok(CString::new(percent_decode_str(part).decode_utf8()?.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_by_diesel() -> Result<()> {
        let expected = Address {
            host: c"::1".into(),
            port: 13306,
            user: c"me".into(),
            password: c"p@ss".into(),
        };
        assert_eq!(address("mysql://me:p%40ss@[::1]:13306/mysql")?, expected);

        let expected = Address {
            host: c"localhost".into(),
            port: 3306,
            user: c"root".into(),
            password: c"".into(),
        };
        assert_eq!(address("mysql://root@localhost/mysql")?, expected);
        Ok(())
    }

    #[test]
    fn a_url_that_asks_for_more_is_refused() {
        assert!(address("mysql://root@localhost/mysql?ssl_mode=required").is_err());
    }
}
