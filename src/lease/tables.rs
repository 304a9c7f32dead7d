//! Where leases are kept: the names of the two tables.

use std::borrow::Cow;

/// The names of the tables that leases and their history are kept in.
///
/// `locks` and `lock_events` by default, wherever the database looks for unqualified names.
///
/// ```
/// use noclobber::lock::LockTables;
///
/// let tables = LockTables::default();
/// assert_eq!((tables.locks(), tables.events()), ("locks", "lock_events"));
/// let tables = LockTables::named("leases", "lease_events").in_schema("audit");
/// assert_eq!(tables.schema(), Some("audit"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LockTables {
    schema: Option<Cow<'static, str>>,
    locks: Cow<'static, str>,
    events: Cow<'static, str>,
}

impl Default for LockTables {
    fn default() -> Self {
        LockTables::named("locks", "lock_events")
    }
}

impl LockTables {
    /// Tables of other names.
    ///
    /// They have the columns of the library's [migrations](crate::migrations): copy the folder and
    /// change the names in it.
    ///
    /// ```
    /// use noclobber::lock::LockTables;
    ///
    /// assert_eq!(LockTables::named("leases", "lease_events").locks(), "leases");
    /// ```
    #[must_use]
    pub fn named(
        locks: impl Into<Cow<'static, str>>,
        events: impl Into<Cow<'static, str>>,
    ) -> Self {
        LockTables { schema: None, locks: locks.into(), events: events.into() }
    }

    /// The same in this schema (on MySQL: in this database).
    ///
    /// ```
    /// use noclobber::lock::LockTables;
    ///
    /// assert_eq!(LockTables::default().in_schema("audit").schema(), Some("audit"));
    /// ```
    #[must_use]
    pub fn in_schema(self, schema: impl Into<Cow<'static, str>>) -> Self {
        LockTables { schema: Some(schema.into()), ..self }
    }

    /// Whether they are called as the library calls them, in whatever schema the database looks.
    pub(crate) fn are_default(&self) -> bool {
        *self == LockTables::default()
    }

    /// The table of the leases.
    ///
    /// ```
    /// assert_eq!(noclobber::lock::LockTables::default().locks(), "locks");
    /// ```
    #[must_use]
    pub fn locks(&self) -> &str {
        &self.locks
    }

    /// The table of their history.
    ///
    /// ```
    /// assert_eq!(noclobber::lock::LockTables::default().events(), "lock_events");
    /// ```
    #[must_use]
    pub fn events(&self) -> &str {
        &self.events
    }

    /// The schema of both, if it is named.
    ///
    /// ```
    /// assert_eq!(noclobber::lock::LockTables::default().schema(), None);
    /// ```
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }
}
