//! What anybody may know of a lease, and of what happened to it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::row::LeaseRow;

/// A lease as everybody may see it: never its token, nor the session of its holder.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// let document = Document::find(1, conn)?;
/// let lease = document.lock().owner("ann").note("typos").acquire(conn)?;
///
/// let info = noclobber::lock::inspect("documents", "1", conn)?.unwrap();
/// assert_eq!((info.owner(), info.note(), info.fence()), ("ann", Some("typos"), 1));
/// # lease.release(conn)
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockInfo {
    entity: String,
    record: String,
    fence: i64,
    owner: String,
    note: Option<String>,
    /// Not kept in columns of the record.
    acquired_at: Option<DateTime<Utc>>,
    read_at: DateTime<Utc>,
    renewed_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    expires_in: Duration,
    deadline_at: Option<DateTime<Utc>>,
    renewals: u64,
    version: Option<String>,
    own_other_session: bool,
}

macro_rules! facts {
    ($($(#[$documentation:meta])* $name:ident: $type:ty = |$info:ident| $value:expr;)*) => {
        impl LockInfo {$(
            $(#[$documentation])*
            ///
            /// ```
            /// # fn tell(info: &noclobber::lock::LockInfo) {
            #[doc = concat!("println!(\"{:?}\", info.", stringify!($name), "());")]
            /// # }
            /// ```
            #[must_use]
            pub fn $name(&self) -> $type {
                let $info = self;
                $value
            }
        )*}
    };
}

facts! {
    /// The table of the record.
    entity: &str = |it| &it.entity;
    /// The key of the record, as canonical text (see [`Key`](crate::key::Key)).
    record: &str = |it| &it.record;
    /// The number of the grant: it grows with every new holder of the record and never repeats.
    fence: i64 = |it| it.fence;
    /// Who holds it.
    owner: &str = |it| &it.owner;
    /// What the holder said of it.
    note: Option<&str> = |it| it.note.as_deref();
    /// Since when, by the database's clock. Columns of a record do not keep it (see
    /// [`since`](Self::since)): of a lease in them, it is when this was read.
    acquired_at: DateTime<Utc> = |it| it.acquired_at.unwrap_or(it.read_at);
    /// Since when, by the database's clock; none where the lease is kept in
    /// [columns of the record](crate::lock::columns).
    since: Option<DateTime<Utc>> = |it| it.acquired_at;
    /// When it was last renewed, by the database's clock; none if it never was.
    renewed_at: Option<DateTime<Utc>> = |it| it.renewed_at;
    /// When it expires unless it is renewed, by the database's clock.
    expires_at: DateTime<Utc> = |it| it.expires_at;
    /// How long it still lasted when this was read; nothing for one that has expired.
    expires_in: Duration = |it| it.expires_in;
    /// No renewal goes beyond this, by the database's clock; none if it was not capped.
    deadline_at: Option<DateTime<Utc>> = |it| it.deadline_at;
    /// How often it was renewed.
    renewals: u64 = |it| it.renewals;
    /// The version that the record had when it was locked, as canonical text, where the holder said it.
    version: Option<&str> = |it| it.version.as_deref();
    /// Whether the one who asked holds it in another session: another tab, another process.
    is_own_other_session: bool = |it| it.own_other_session;
    /// Whether it has expired. Its holder may still regain it by a guarded write, as long as nobody else
    /// takes it.
    is_expired: bool = |it| it.expires_in.is_zero();
}

impl LockInfo {
    /// Whether it was read from columns of the record: in the table, who holds it holds it since some time.
    pub(crate) fn is_in_columns(&self) -> bool {
        self.acquired_at.is_none()
    }

    pub(crate) fn new(row: LeaseRow, own_other_session: bool) -> Self {
        let expires_in = row.expires_in();
        LockInfo {
            entity: row.entity,
            record: row.record,
            fence: row.fence,
            owner: row.owner.unwrap_or_default(),
            note: row.note,
            acquired_at: row.acquired_at.map(time),
            read_at: time(row.now),
            renewed_at: row.renewed_at.map(time),
            expires_at: time(row.expires_at.unwrap_or_default()),
            expires_in,
            deadline_at: row.deadline_at.map(time),
            renewals: u64::try_from(row.renewals).unwrap_or_default(),
            version: row.version,
            own_other_session,
        }
    }
}

/// Something that happened to a lease.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::lock::{self, EventKind};
///
/// Document::find(1, conn)?.lock().owner("ann").acquire(conn)?.release(conn)?;
/// let kinds: Vec<_> =
///     lock::history("documents", "1", conn)?.iter().map(|event| event.kind()).collect();
/// assert_eq!(kinds, [EventKind::Acquired, EventKind::Released]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEvent {
    pub(super) fence: i64,
    pub(super) kind: EventKind,
    pub(super) actor: String,
    pub(super) holder: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) at: DateTime<Utc>,
    pub(super) renewals: u64,
}

/// What happened.
///
/// ```
/// assert_eq!(noclobber::lock::EventKind::Stolen.to_string(), "stolen");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Somebody became the holder.
    Acquired,
    /// The holder gave it back.
    Released,
    /// Somebody took it after it had expired.
    Expired,
    /// Somebody ended it for its holder.
    Broken,
    /// Somebody ended it for its holder, and took it.
    Stolen,
    /// Somebody was refused to end it for its holder.
    Denied,
}

impl EventKind {
    const ALL: [Self; 6] =
        [Self::Acquired, Self::Released, Self::Expired, Self::Broken, Self::Stolen, Self::Denied];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Broken => "broken",
            Self::Stolen => "stolen",
            Self::Denied => "denied",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! event_facts {
    ($($(#[$documentation:meta])* $name:ident: $type:ty = |$event:ident| $value:expr;)*) => {
        impl LockEvent {$(
            $(#[$documentation])*
            ///
            /// ```
            /// # fn tell(event: &noclobber::lock::LockEvent) {
            #[doc = concat!("println!(\"{:?}\", event.", stringify!($name), "());")]
            /// # }
            /// ```
            #[must_use]
            pub fn $name(&self) -> $type {
                let $event = self;
                $value
            }
        )*}
    };
}

event_facts! {
    /// The number of the grant that it is about.
    fence: i64 = |it| it.fence;
    /// What happened.
    kind: EventKind = |it| it.kind;
    /// Who did it.
    actor: &str = |it| &it.actor;
    /// Who held the lease then.
    holder: Option<&str> = |it| it.holder.as_deref();
    /// Why, for what was done to somebody else's lease.
    reason: Option<&str> = |it| it.reason.as_deref();
    /// When, by the database's clock.
    at: DateTime<Utc> = |it| it.at;
    /// How often the lease had been renewed by then.
    renewals: u64 = |it| it.renewals;
}

/// A time of the database's. Beyond the years that chrono knows it is the nearest of these.
pub(super) fn time(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(if milliseconds < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

pub(super) fn milliseconds(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}
