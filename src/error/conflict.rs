//! The conflict: who expected what, and what was there instead.

use std::fmt;

use super::Record;

/// A write changed nothing, because the record is no longer what its writer had loaded.
///
/// Says which record, which version the writer expected, and what was [`found`](Self::found)
/// instead. It is not generic, so that `?` works for all models alike: versions stand in it as
/// canonical text (see [`Version::text`](crate::version::Version::text)).
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let mine = Document::find(1, conn)?;
/// let theirs = Document::find(1, conn)?;
/// theirs.save(conn)?;
///
/// let error = mine.save(conn).unwrap_err();
/// let conflict = error.conflict().unwrap();
/// assert_eq!(conflict.record().to_string(), "documents 1");
/// assert_eq!(conflict.expected(), "1");
/// assert_eq!(*conflict.found(), noclobber::Found::Version("2".into()));
/// assert_eq!(
///     conflict.to_string(),
///     "documents 1 was changed by somebody else: expected version 1, found version 2"
/// );
/// # Ok(())
/// # }
/// ```
// Boxed: a `Result` that carries it should not be larger than the models that it usually carries.
#[derive(Clone, PartialEq, Eq)]
pub struct ConcurrentModificationError(Box<Conflict>);

#[derive(Clone, PartialEq, Eq)]
struct Conflict {
    record: Record,
    /// None of a record that was to be new.
    expected: Option<String>,
    found: Found,
    attempts: u32,
    others: Vec<ConcurrentModificationError>,
}

/// What a refused write found instead of the version it expected.
///
/// ```
/// use noclobber::Found;
///
/// assert_eq!(Found::Version("8".into()).to_string(), "version 8");
/// assert_eq!(Found::Deleted.to_string(), "no row");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Found {
    /// Another version, as canonical text: somebody else wrote the record.
    Version(String),
    /// No row with this key: somebody else deleted it.
    Deleted,
    /// The expected version: the row is there, but a trigger, a rule or row-level security kept the
    /// write from it. Or the version is stored in another form than Diesel writes it, and does not
    /// match for that reason (a timestamp on SQLite that another program has written).
    Vetoed,
    /// Nobody knows: the look at what is there failed, or it saw nothing and row-level security may
    /// keep the row from this account's sight. The write was refused all the same.
    Unknown,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Version(version) => write!(f, "version {version}"),
            Found::Deleted => f.write_str("no row"),
            Found::Vetoed => f.write_str("the expected version"),
            Found::Unknown => f.write_str("an unknown state"),
        }
    }
}

impl ConcurrentModificationError {
    pub(crate) fn new(record: Record, expected: impl Into<String>, found: Found) -> Self {
        Self::of(record, Some(expected.into()), found)
    }

    /// The conflict of a record that was to be new.
    pub(crate) fn of_creation(record: Record, found: Found) -> Self {
        Self::of(record, None, found)
    }

    fn of(record: Record, expected: Option<String>, found: Found) -> Self {
        let others = Vec::new();
        ConcurrentModificationError(Box::new(Conflict {
            record,
            expected,
            found,
            attempts: 1,
            others,
        }))
    }

    /// The same, as the first of a batch in which these were refused too.
    pub(crate) fn with_others(mut self, others: Vec<ConcurrentModificationError>) -> Self {
        self.0.others = others;
        self
    }

    /// The record that was to be written.
    ///
    /// ```
    /// # fn show(conflict: noclobber::ConcurrentModificationError) {
    /// println!("somebody else was at {}", conflict.record().table());
    /// # }
    /// ```
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.0.record
    }

    /// The version that the writer had loaded, as canonical text; empty when it expected no record
    /// ([`upsert`](crate::VersionedDsl::upsert)).
    ///
    /// ```
    /// # fn show(conflict: noclobber::ConcurrentModificationError) {
    /// println!("you opened version {}", conflict.expected());
    /// # }
    /// ```
    #[must_use]
    pub fn expected(&self) -> &str {
        self.0.expected.as_deref().unwrap_or_default()
    }

    /// What was there instead.
    ///
    /// ```
    /// # fn deleted(conflict: noclobber::ConcurrentModificationError) -> bool {
    /// *conflict.found() == noclobber::Found::Deleted
    /// # }
    /// ```
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.0.found
    }

    /// The other records of the same batch that were not at their versions: empty, unless it comes from
    /// [`save_all`](crate::BatchDsl::save_all) or [`delete_all`](crate::BatchDsl::delete_all).
    ///
    /// ```
    /// # fn show(conflict: &noclobber::ConcurrentModificationError) {
    /// for stale in std::iter::once(conflict).chain(conflict.others()) {
    ///     println!("stale: {}", stale.record());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn others(&self) -> &[ConcurrentModificationError] {
        &self.0.others
    }

    /// How often the write was tried before it was given up: 1, unless it came through
    /// [`retry`](crate::retry()) or [`modify`](crate::VersionedDsl::modify).
    ///
    /// ```
    /// # fn show(conflict: noclobber::ConcurrentModificationError) {
    /// println!("gave up after {} attempts", conflict.attempts());
    /// # }
    /// ```
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    pub(crate) fn set_attempts(&mut self, attempts: u32) {
        self.0.attempts = attempts;
    }
}

impl std::error::Error for ConcurrentModificationError {}

impl fmt::Display for ConcurrentModificationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conflict { record, expected, found, attempts, others } = &*self.0;
        let Some(expected) = expected else {
            write!(f, "{record} was not created: expected no row, found {found}")?;
            return super::unavailable::attempted(*attempts, f);
        };
        match found {
            Found::Version(_) => write!(
                f,
                "{record} was changed by somebody else: expected version {expected}, found {found}"
            ),
            Found::Deleted => write!(
                f,
                "{record} was deleted by somebody else: expected version {expected}, found {found}"
            ),
            Found::Vetoed => write!(
                f,
                "{record} was not written: it has the expected version {expected}, but a trigger, \
                 a rule or row-level security of the database kept the write from it, or the \
                 version is stored in another form than Diesel writes it"
            ),
            Found::Unknown => write!(
                f,
                "{record} was not written: no row had the expected version {expected}, and what \
                 is there instead could not be seen"
            ),
        }?;
        for (position, other) in others.iter().enumerate() {
            let so_were = if position == 0 { "; so were" } else { "," };
            write!(f, "{so_were} {}", other.record())?;
        }
        super::unavailable::attempted(*attempts, f)
    }
}

impl fmt::Debug for ConcurrentModificationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conflict { record, found, attempts, others, .. } = &*self.0;
        let mut told = f.debug_struct("ConcurrentModificationError");
        told.field("table", &record.table())
            .field("key", &record.key())
            .field("expected", &self.expected())
            .field("found", found)
            .field("attempts", attempts);
        if !others.is_empty() {
            told.field("others", others);
        }
        told.finish()
    }
}
