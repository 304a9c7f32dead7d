//! What stands in the way of a lease, and what became of one.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::lease::{LockEvent, LockInfo};

/// Somebody holds the lease that was asked for.
///
/// [`info`](Self::info) says who, since when, and for how long still.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::Error;
///
/// let document = Document::find(1, conn)?;
/// let anns = document.lock().owner("ann").note("typos").acquire(conn)?;
/// let Err(Error::LockHeld(held)) = document.lock().owner("bob").acquire(conn) else { panic!() };
/// assert_eq!((held.info().owner(), held.info().note()), ("ann", Some("typos")));
/// assert!(held.to_string().starts_with("documents 1 is locked by ann since "));
/// # anns.release(conn)
/// # }
/// ```
// Boxed: a `Result` should not grow by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHeld(Box<LockInfo>);

impl LockHeld {
    pub(crate) fn new(info: LockInfo) -> Self {
        LockHeld(Box::new(info))
    }

    /// Who holds it, since when, what for, until when.
    ///
    /// ```
    /// fn tell(held: &noclobber::error::LockHeld) -> String {
    ///     format!("{} is editing this", held.info().owner())
    /// }
    /// ```
    #[must_use]
    pub fn info(&self) -> &LockInfo {
        &self.0
    }
}

impl fmt::Display for LockHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = &*self.0;
        let (entity, record) = (info.entity(), info.record());
        if info.is_own_other_session() {
            write!(f, "{entity} {record} is locked by yourself in another session")?;
        } else {
            write!(f, "{entity} {record} is locked by {}", info.owner())?;
        }
        if let Some(since) = info.since() {
            write!(f, " since {}", utc(since))?;
        }
        if let Some(renewed_at) = info.renewed_at() {
            write!(f, ", renewed {}", utc(renewed_at))?;
        }
        if info.is_expired() {
            return f.write_str(", whose time is over: it is being written just now");
        }
        write!(f, ", for another {}", rounded(info.expires_in()))
    }
}

/// Why a lease is no longer its holder's.
///
/// ```
/// assert_eq!(noclobber::error::Loss::Stolen.to_string(), "it was taken over");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// It had expired. Nobody need have taken it: it is lost where it cannot be regained.
    Expired,
    /// It had expired, and somebody else took it.
    Taken,
    /// Somebody ended it.
    Broken,
    /// Somebody ended it and took it.
    Stolen,
    /// It was released, by this holder or by who has its token.
    Released,
    /// It was held for as long as its cap allows.
    Capped,
    /// Somebody else has it now: took it after it had expired, or by an override. [Columns of the
    /// record](crate::lock::columns) do not tell which.
    HeldByAnother,
    /// Nobody knows: nothing was found of it.
    Unknown,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::Expired => "it had expired",
            Loss::Taken => "it had expired and somebody else took it",
            Loss::Broken => "it was broken",
            Loss::Stolen => "it was taken over",
            Loss::Released => "it was released",
            Loss::Capped => "it was held for as long as its cap allows",
            Loss::HeldByAnother => "somebody else took it",
            Loss::Unknown => "nothing is left of it",
        })
    }
}

/// A lease was lost before what it was to protect: nothing was written.
///
/// Says which lease, why, and, where somebody did it, who, when and for what reason.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # noclobber::migrations::run(conn).unwrap();
/// use noclobber::Error;
/// use noclobber::error::Loss;
/// use noclobber::lock::{self, Override};
///
/// let document = Document::find(1, conn)?;
/// let lease = document.lock().owner("ann").acquire(conn)?;
/// let seen = lock::inspect("documents", "1", conn)?.unwrap();
/// Override::by("root").because("she has left").allowed_to(|_: &str, _: &_| true).break_lock(&seen, conn)?;
///
/// let Err(Error::LockLost(lost)) = document.save_locked(&lease, conn) else { panic!() };
/// assert_eq!((lost.loss(), lost.by(), lost.reason()), (Loss::Broken, Some("root"), Some("she has left")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockLost(Box<Lost>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lost {
    entity: String,
    record: String,
    fence: i64,
    loss: Loss,
    ending: Option<LockEvent>,
    /// Who has it now, where there is no history that tells how it ended.
    taken_by: Option<String>,
}

impl LockLost {
    pub(crate) fn new(
        entity: &str,
        record: &str,
        fence: i64,
        loss: Loss,
        ending: Option<LockEvent>,
    ) -> Self {
        let (entity, record) = (entity.to_owned(), record.to_owned());
        LockLost(Box::new(Lost { entity, record, fence, loss, ending, taken_by: None }))
    }

    /// Where there is no history.
    pub(crate) fn taken_by(mut self, owner: Option<String>) -> Self {
        self.0.taken_by = owner;
        self
    }

    /// The table of the record.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{}", lost.entity());
    /// # }
    /// ```
    #[must_use]
    pub fn entity(&self) -> &str {
        &self.0.entity
    }

    /// The key of the record, as canonical text.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{}", lost.record());
    /// # }
    /// ```
    #[must_use]
    pub fn record(&self) -> &str {
        &self.0.record
    }

    /// The number of the grant that was lost.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{}", lost.fence());
    /// # }
    /// ```
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.0.fence
    }

    /// Why it was lost.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{}", lost.loss());
    /// # }
    /// ```
    #[must_use]
    pub fn loss(&self) -> Loss {
        self.0.loss
    }

    /// Who ended or took it, if somebody did.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{:?}", lost.by());
    /// # }
    /// ```
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        let ending = self.0.ending.as_ref().map(LockEvent::actor);
        ending.or(self.0.taken_by.as_deref())
    }

    /// When, by the database's clock.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{:?}", lost.at());
    /// # }
    /// ```
    #[must_use]
    pub fn at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.ending.as_ref()?.at())
    }

    /// What they gave as their reason.
    ///
    /// ```
    /// # fn tell(lost: &noclobber::error::LockLost) {
    /// println!("{:?}", lost.reason());
    /// # }
    /// ```
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.ending.as_ref()?.reason()
    }
}

impl fmt::Display for LockLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lost { entity, record, loss, .. } = &*self.0;
        write!(f, "the lock of {entity} {record} was lost: {loss}")?;
        match (self.by(), self.at()) {
            (Some(by), Some(at)) => write!(f, " (by {by}, {})", utc(at))?,
            (Some(by), None) => write!(f, " (by {by})")?,
            (None, _) => {}
        }
        match self.reason() {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// An override was refused: what the person saw has changed, or they may not.
///
/// ```
/// fn tell(refused: &noclobber::error::OverrideRefused) -> &'static str {
///     match refused.now() {
///         _ if refused.is_denied() => "you may not",
///         Some(_) => "somebody else holds it meanwhile",
///         None => "nobody holds it any more",
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideRefused(Box<Refused>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    record: (String, String),
    actor: String,
    denied: bool,
    now: Option<LockInfo>,
}

impl OverrideRefused {
    pub(crate) fn denied(actor: &str, seen: &LockInfo) -> Self {
        Self::new(actor, seen, true, Some(seen.clone()))
    }

    pub(crate) fn changed(actor: &str, seen: &LockInfo, now: Option<LockInfo>) -> Self {
        Self::new(actor, seen, false, now)
    }

    fn new(actor: &str, seen: &LockInfo, denied: bool, now: Option<LockInfo>) -> Self {
        let record = (seen.entity().to_owned(), seen.record().to_owned());
        OverrideRefused(Box::new(Refused { record, actor: actor.to_owned(), denied, now }))
    }

    /// Whether the policy said no. Otherwise the lease is no longer the one that was seen.
    ///
    /// ```
    /// # fn tell(refused: &noclobber::error::OverrideRefused) {
    /// println!("{}", if refused.is_denied() { "you may not" } else { "please look again" });
    /// # }
    /// ```
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.0.denied
    }

    /// The lease as it is now; none when nobody holds the record any more.
    ///
    /// ```
    /// # fn tell(refused: &noclobber::error::OverrideRefused) {
    /// println!("{:?}", refused.now().map(|info| info.owner()));
    /// # }
    /// ```
    #[must_use]
    pub fn now(&self) -> Option<&LockInfo> {
        self.0.now.as_ref()
    }
}

impl fmt::Display for OverrideRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { record: (entity, record), actor, denied, now } = &*self.0;
        match (denied, now) {
            (true, _) => write!(f, "{actor} may not override the lock of {entity} {record}"),
            (false, Some(now)) => write!(
                f,
                "the lock of {entity} {record} is not the one that {actor} saw: it is {}'s{}",
                now.owner(),
                now.since().map(|since| format!(" since {}", utc(since))).unwrap_or_default()
            ),
            (false, None) => {
                write!(f, "{entity} {record} is not locked any more: {actor} can take it")
            }
        }
    }
}

fn utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// To the second, and never less than one: for people.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match (minutes / 60, minutes % 60, seconds) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_as_people_tell_it() {
        let told = |milliseconds| rounded(Duration::from_millis(milliseconds));
        assert_eq!(told(1), "1 s");
        assert_eq!(told(59_001), "1 min 0 s");
        assert_eq!(told(61_000), "1 min 1 s");
        assert_eq!(told(7_260_000), "2 h 1 min");
    }
}
