//! UUIDs as versions in a `Text` column: SQLite borrows what is bound to it, and keeps this text.

use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

use crate::version::{UuidVersion, Version};

impl ToSql<Text, Sqlite> for UuidVersion {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.text().into_owned());
        Ok(IsNull::No)
    }
}
