//! Where an attempt gets its connection from.

use diesel::connection::Connection;

use crate::error::Result;

/// Where [`retry`](super::retry()) and [`modify`](crate::VersionedDsl::modify) get the connection
/// for an attempt: a pool, or a connection that the caller holds.
///
/// Implemented for `&mut` of every connection, and with the feature `r2d2` for `&` of every pool of
/// `diesel::r2d2`. Write `&mut *conn` to go on using the connection afterwards: a generic parameter
/// moves a `&mut` instead of borrowing it again.
///
/// A pool of another kind joins in with a few lines:
///
/// ```
/// use diesel::SqliteConnection;
/// use noclobber::retry::Source;
/// use std::sync::Mutex;
///
/// struct Shared(Mutex<SqliteConnection>);
///
/// impl Source for &Shared {
///     type Conn = SqliteConnection;
///
///     fn with<R>(&mut self, work: impl FnOnce(&mut SqliteConnection) -> R) -> noclobber::Result<R> {
///         let mut conn = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
///         Ok(work(&mut conn))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no source of connections",
    label = "neither a pool nor a connection",
    note = "pass `&pool` (with the feature `r2d2`), or `&mut *conn`"
)]
pub trait Source {
    /// The connection that an attempt works with.
    type Conn: Connection;

    /// Lends a connection for one attempt.
    ///
    /// ```
    /// # use diesel::{Connection, SqliteConnection};
    /// use noclobber::retry::Source;
    ///
    /// # let mut conn = SqliteConnection::establish(":memory:").unwrap();
    /// let three = (&mut conn).with(|_conn| 3)?;
    /// # assert_eq!(three, 3);
    /// # Ok::<(), noclobber::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`](crate::Error::Unavailable) when there is none to be had in time; it is
    /// then asked again, as the policy allows. After any other error it is not.
    fn with<R>(&mut self, work: impl FnOnce(&mut Self::Conn) -> R) -> Result<R>;
}

impl<C: Connection> Source for &mut C {
    type Conn = C;

    fn with<R>(&mut self, work: impl FnOnce(&mut C) -> R) -> Result<R> {
        Ok(work(self))
    }
}

/// Takes a connection out of the pool for one attempt and puts it back before the pause.
#[cfg(feature = "r2d2")]
impl<M> Source for &diesel::r2d2::Pool<M>
where
    M: diesel::r2d2::ManageConnection<Connection: Connection>,
{
    type Conn = M::Connection;

    fn with<R>(&mut self, work: impl FnOnce(&mut M::Connection) -> R) -> Result<R> {
        use crate::error::{Error, Reason, Unavailable};

        let mut conn = self
            .get()
            .map_err(|error| Error::Unavailable(Unavailable::new(Reason::PoolExhausted, error)))?;
        Ok(work(&mut conn))
    }
}
