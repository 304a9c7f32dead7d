//! UUIDs as versions in a `Text` column: what is bound to PostgreSQL is copied.

use std::io::Write;

use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;

use crate::version::{UuidVersion, Version};

impl ToSql<Text, Pg> for UuidVersion {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.text().as_bytes())?;
        Ok(IsNull::No)
    }
}
