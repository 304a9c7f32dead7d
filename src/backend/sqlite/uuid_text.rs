//! UUIDs as versions in a `Text` column, where a person can read them.

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};

use crate::version::{UuidVersion, Version};

impl ToSql<Text, Sqlite> for UuidVersion {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.text().into_owned());
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Sqlite> for UuidVersion {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(text.parse()?)
    }
}
