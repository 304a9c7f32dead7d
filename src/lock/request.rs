//! What a lease is asked for with.

use std::time::Duration;

use uuid::Uuid;

use super::freshness::{AnyCopy, MyCopy};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::lease::{Holder, LockTables};
use crate::model::Versioned;
use crate::retry::Nested;
use crate::version::Version;

/// Bytes that fit into the columns of the lock tables. What is longer is refused and never cut off.
const ENTITY: usize = 128;
const RECORD: usize = 512;
pub(super) const NAME: usize = 255;
pub(super) const TEXT: usize = 2000;

/// What nobody means: an edit takes minutes, a job hours.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Where leases begin: [`on`](Lock::on) a record that is no model, or from a model by
/// [`lock`](crate::LockDsl::lock).
///
/// ```
/// use noclobber::lock::Lock;
///
/// let request = Lock::on("reports", "2026").owner("nightly job");
/// ```
#[derive(Debug)]
pub enum Lock {}

impl Lock {
    /// A lease on any record: of a table, of another store, of nothing but an agreement.
    ///
    /// `entity` is what the table is called, `record` the key as canonical text
    /// ([`Key::text`](crate::key::Key::text)); both are what a model of that table would say.
    ///
    /// ```
    /// use noclobber::key::Key;
    /// use noclobber::lock::Lock;
    ///
    /// let seat = Lock::on("seats", (12, "A".to_owned()).text()).owner("ann");
    /// ```
    pub fn on(entity: impl Into<String>, record: impl Into<String>) -> LockRequest {
        LockRequest::new(entity.into(), record.into(), None, AnyCopy)
    }
}

/// A lease that is asked for, and what with.
///
/// Owner is all that it needs. It carries the token by which the holder is known, so that asking again
/// with the same request, after an answer was lost, is the same holder. A clone of it is another one.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use std::time::Duration;
///
/// let lease = Document::find(1, conn)?
///     .lock()
///     .owner("ann@example.org")
///     .session("tab 4711")
///     .note("correcting typos")
///     .ttl(Duration::from_secs(10 * 60))
///     .cap(Duration::from_secs(2 * 60 * 60))
///     .acquire(conn)?;
/// # lease.release(conn)
/// # }
/// ```
#[must_use = "nothing is locked before `acquire`"]
pub struct LockRequest<Copy = AnyCopy> {
    pub(super) entity: String,
    pub(super) record: String,
    pub(super) version: Option<String>,
    pub(super) holder: Holder,
    pub(super) note: Option<String>,
    pub(super) ttl: Duration,
    pub(super) cap: Option<Duration>,
    pub(super) token: String,
    pub(super) tables: LockTables,
    pub(super) nested: Nested,
    pub(super) copy: Copy,
}

impl<Copy> LockRequest<Copy> {
    fn new(entity: String, record: String, version: Option<String>, copy: Copy) -> Self {
        LockRequest {
            entity,
            record,
            version,
            holder: Holder { owner: String::new(), session: None },
            note: None,
            ttl: Duration::from_secs(5 * 60),
            cap: None,
            token: new_token(),
            tables: LockTables::default(),
            nested: Nested::Refuse,
            copy,
        }
    }

    /// Who asks: a person's name or id, a program's. 1 to 255 bytes.
    ///
    /// ```
    /// let request = noclobber::lock::Lock::on("documents", "7").owner("ann");
    /// ```
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.holder.owner = owner.into();
        self
    }

    /// Which of the owner's sessions asks: a tab, a process. 1 to 255 bytes.
    ///
    /// The same owner in another session is another holder; the session only serves to say so. It is
    /// told to nobody.
    ///
    /// ```
    /// let request = noclobber::lock::Lock::on("documents", "7").owner("ann").session("tab 4711");
    /// ```
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.holder.session = Some(session.into());
        self
    }

    /// The token by which the holder is known: a random one of its own, for each request.
    ///
    /// For a holder who lives longer than this process, or in several, as a web backend does between two
    /// requests of a browser: who asks with the same token, while the lease lasts, is the same holder and
    /// gets the same grant. It is a secret: who has it can do what the holder can.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// use noclobber::lock::Lock;
    ///
    /// let token = uuid::Uuid::new_v4();
    /// let lease = Lock::on("documents", "1").owner("ann").token(token).acquire(conn)?;
    /// // In another process, with the token from the person's session:
    /// let again = Lock::on("documents", "1").owner("ann").token(token).acquire(conn)?;
    /// assert_eq!(again.fence(), lease.fence());
    /// # again.release(conn)
    /// # }
    /// ```
    pub fn token(self, token: Uuid) -> Self {
        LockRequest { token: token.hyphenated().to_string(), ..self }
    }

    /// What for, to be read by those who find the record locked. 1 to 2000 bytes.
    ///
    /// ```
    /// let request = noclobber::lock::Lock::on("documents", "7").owner("ann").note("typos");
    /// ```
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// How long the lease lasts unless it is renewed: 5 minutes by default. From a millisecond to 366
    /// days.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let minute = Duration::from_secs(60);
    /// let request = noclobber::lock::Lock::on("documents", "7").owner("ann").ttl(minute);
    /// ```
    pub fn ttl(self, ttl: Duration) -> Self {
        LockRequest { ttl, ..self }
    }

    /// How long it can be held at all, however often it is renewed. Without an end by default.
    ///
    /// Against who renews for ever: a forgotten tab locks a record as well as a malicious one.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let hour = Duration::from_secs(60 * 60);
    /// let request = noclobber::lock::Lock::on("documents", "7").owner("ann").cap(hour);
    /// ```
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Which tables leases are kept in: `locks` and `lock_events` by default.
    ///
    /// ```
    /// # use noclobber::lock::{Lock, LockTables};
    /// let tables = LockTables::named("leases", "lease_events");
    /// let request = Lock::on("documents", "7").owner("ann").kept_in(tables);
    /// ```
    pub fn kept_in(self, tables: LockTables) -> Self {
        LockRequest { tables, ..self }
    }

    /// What to do inside a transaction that is open already: refuse, or, for hosts whose tests run in
    /// one, go on.
    ///
    /// ```
    /// # use noclobber::{lock::Lock, retry::Nested};
    /// let request = Lock::on("documents", "7").owner("ann").nested(Nested::RunOnce);
    /// ```
    pub fn nested(self, nested: Nested) -> Self {
        LockRequest { nested, ..self }
    }

    /// What is wrong with it, said before anything is sent.
    pub(super) fn check(&self) -> Result<()> {
        let LockRequest { entity, record, holder: Holder { owner, session }, .. } = self;
        within("the entity", entity, 1, ENTITY)?;
        within("the record", record, 1, RECORD)?;
        within("the owner", owner, 1, NAME)?;
        within("the session", session.as_deref().unwrap_or("-"), 1, NAME)?;
        within("the version", self.version.as_deref().unwrap_or_default(), 0, NAME)?;
        within("the note", self.note.as_deref().unwrap_or("-"), 1, TEXT)?;
        duration("the ttl", self.ttl)?;
        if let Some(cap) = self.cap {
            duration("the cap", cap)?;
            if cap < self.ttl {
                return Err(invalid("the cap is shorter than the ttl: nothing could be renewed"));
            }
        }
        Ok(())
    }
}

impl<'m, M: Versioned> LockRequest<MyCopy<'m, M>> {
    pub(crate) fn of(model: &'m M) -> Self {
        let version = model.version().text().into_owned();
        let copy = MyCopy { model, must_be_fresh: false };
        LockRequest::new(M::TABLE.to_owned(), model.key().text(), Some(version), copy)
    }

    /// Refuses the lease when the copy of the record in hand is stale already: who is going to edit
    /// something for minutes wants to know before.
    ///
    /// After the lease is taken and before it is committed, sends the `SELECT version` of a look.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # noclobber::migrations::run(conn).unwrap();
    /// let stale = Document::find(1, conn)?;
    /// stale.clone().touch(conn)?;
    /// let refused = stale.lock().owner("ann").refuse_if_stale().acquire(conn);
    /// assert!(refused.unwrap_err().is_conflict());
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_if_stale(mut self) -> Self {
        self.copy.must_be_fresh = true;
        self
    }
}

/// With a token of its own: who is handed a clone is not the same holder.
impl<Copy: Clone> Clone for LockRequest<Copy> {
    fn clone(&self) -> Self {
        LockRequest {
            entity: self.entity.clone(),
            record: self.record.clone(),
            version: self.version.clone(),
            holder: self.holder.clone(),
            note: self.note.clone(),
            ttl: self.ttl,
            cap: self.cap,
            token: new_token(),
            tables: self.tables.clone(),
            nested: self.nested,
            copy: self.copy.clone(),
        }
    }
}

fn new_token() -> String {
    Uuid::new_v4().hyphenated().to_string()
}

/// Without the token, which is the holder's secret.
impl<Copy> std::fmt::Debug for LockRequest<Copy> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockRequest")
            .field("entity", &self.entity)
            .field("record", &self.record)
            .field("owner", &self.holder.owner)
            .field("ttl", &self.ttl)
            .field("cap", &self.cap)
            .finish_non_exhaustive()
    }
}

/// Whether a text has as many bytes as its column takes.
pub(super) fn within(what: &str, text: &str, least: usize, most: usize) -> Result<()> {
    match text.len() {
        0 if least > 0 => Err(invalid(&format!("{what} is empty"))),
        bytes if bytes > most => {
            Err(invalid(&format!("{what} has {bytes} bytes, and {most} fit into its column")))
        }
        _ if text.contains('\0') => {
            Err(invalid(&format!("{what} holds a NUL, which not every database keeps")))
        }
        _ => Ok(()),
    }
}

pub(super) fn duration(what: &str, duration: Duration) -> Result<()> {
    if duration < Duration::from_millis(1) {
        Err(invalid(&format!("{what} is less than a millisecond")))
    } else if duration > LONGEST {
        Err(invalid(&format!("{what} is more than 366 days")))
    } else {
        Ok(())
    }
}

pub(super) fn invalid(why: &str) -> Error {
    Error::InvalidLock(why.to_owned())
}

/// The milliseconds of a duration that [`duration`] has let pass.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(request: LockRequest) -> String {
        request.check().unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        let request = || Lock::on("documents", "7").owner("ann");
        assert!(request().check().is_ok());
        for (request, wrong) in [
            (Lock::on("", "7").owner("ann"), "the entity is empty"),
            (Lock::on("documents", "").owner("ann"), "the record is empty"),
            (Lock::on("documents", "7"), "the owner is empty"),
            (request().session(""), "the session is empty"),
            (request().note(""), "the note is empty"),
            (request().owner("ann\0"), "the owner holds a NUL, which not every database keeps"),
            (request().ttl(Duration::ZERO), "the ttl is less than a millisecond"),
            (request().ttl(Duration::MAX), "the ttl is more than 366 days"),
            (request().cap(Duration::from_nanos(1)), "the cap is less than a millisecond"),
            (
                request().cap(Duration::from_secs(1)),
                "the cap is shorter than the ttl: nothing could be renewed",
            ),
        ] {
            assert_eq!(sentence(request), format!("no lease can be taken like this: {wrong}"));
        }
        let long = |bytes: usize| "x".repeat(bytes);
        for (request, wrong) in [
            (Lock::on(long(129), "7").owner("ann"), "the entity has 129 bytes, and 128 fit"),
            (
                Lock::on("documents", long(513)).owner("ann"),
                "the record has 513 bytes, and 512 fit",
            ),
            (request().owner(long(256)), "the owner has 256 bytes, and 255 fit"),
            (request().session(long(256)), "the session has 256 bytes, and 255 fit"),
            (request().note(long(2001)), "the note has 2001 bytes, and 2000 fit"),
        ] {
            assert!(sentence(request).contains(wrong));
        }
        let just = Lock::on(long(128), long(512)).owner(long(255)).note(long(2000));
        assert!(just.check().is_ok());
    }
}
