//! A version type as a user would write one.

use std::borrow::Cow;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use noclobber::version::{Clock, Version};

use super::version_of;

version_of!(on_every_database letters: Letters, Text, "VARCHAR(200)");

/// `a`, `b`, …, `z`, `za`, `zb`, …
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Letters(String);

impl Version for Letters {
    fn initial(_: &Clock) -> Self {
        Letters("a".into())
    }

    fn next(&self, _: &Clock) -> Option<Self> {
        match self.0.strip_suffix('z') {
            Some(rest) if rest.len() > 8 => None,
            Some(rest) => Some(Letters(format!("{rest}za"))),
            None => {
                let last = self.0.chars().last()?;
                let next = char::from_u32(u32::from(last) + 1)?;
                Some(Letters(format!("{}{next}", &self.0[..self.0.len() - 1])))
            }
        }
    }

    fn text(&self) -> Cow<'static, str> {
        self.0.clone().into()
    }
}

impl<DB> ToSql<Text, DB> for Letters
where
    DB: Backend,
    String: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<Text, DB> for Letters
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        String::from_sql(value).map(Letters)
    }
}
