//! The dialect of an enum of connections, which only the enum's owner can tell.

/// Lets an enum of `#[derive(diesel::MultiConnection)]` be used like any other connection.
///
/// The backend of such an enum stands for several databases, and which of them a connection belongs to
/// is known by its variant alone. The macro names the variants, all of them, beside the derive; every
/// operation, [`transaction`](crate::transaction()) and [`retry`](crate::retry()) then work through the
/// enum, and, with the feature `r2d2`, through a pooled one.
///
#[cfg_attr(
    all(feature = "sqlite", feature = "postgres"),
    doc = "
```
# include!(\"../doctest_setup.rs\");
use diesel::{PgConnection, SqliteConnection};

#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

noclobber::multi_connection!(AnyConnection { Sqlite, Postgres });

# fn main() -> noclobber::Result<()> {
let conn = &mut AnyConnection::Sqlite(documents_with_one_row());
let document = Document::find(1, conn)?.save(conn)?;
assert_eq!(document.version, 2);
# Ok(())
# }
```"
)]
#[cfg_attr(
    not(all(feature = "sqlite", feature = "postgres")),
    doc = "
```text
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

noclobber::multi_connection!(AnyConnection { Sqlite, Postgres });
```"
)]
#[macro_export]
macro_rules! multi_connection {
    ($connection:ident { $($variant:ident),+ $(,)? }) => {
        impl $crate::backend::BindArray for <$connection as $crate::__private::Connection>::Backend {}
        impl $crate::backend::HasDialect<$connection>
            for <$connection as $crate::__private::Connection>::Backend
        {
            fn dialect(conn: &$connection) -> $crate::backend::Dialect {
                match conn {
                    $($connection::$variant(conn) => $crate::__private::dialect(conn),)+
                }
            }
        }
        $crate::__pooled_multi_connection!($connection);
    };
}

/// The part for pools. Two versions of it, since a macro's own `cfg` would ask for the features of the
/// crate that calls it.
#[cfg(feature = "r2d2")]
#[doc(hidden)]
#[macro_export]
macro_rules! __pooled_multi_connection {
    ($connection:ty) => {
        impl<Manager> $crate::backend::HasDialect<$crate::__private::PooledConnection<Manager>>
            for <$connection as $crate::__private::Connection>::Backend
        where
            Manager: $crate::__private::ManageConnection<Connection = $connection>,
        {
            fn dialect(
                conn: &$crate::__private::PooledConnection<Manager>,
            ) -> $crate::backend::Dialect {
                $crate::__private::dialect::<$connection>(conn)
            }
        }
    };
}

#[cfg(not(feature = "r2d2"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __pooled_multi_connection {
    ($connection:ty) => {};
}
