//! UUIDs as versions in a `Text` column: what is bound to MySQL is copied.

use std::io::Write;

use diesel::mysql::Mysql;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;

use crate::version::{UuidVersion, Version};

impl ToSql<Text, Mysql> for UuidVersion {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        out.write_all(self.text().as_bytes())?;
        Ok(IsNull::No)
    }
}
