//! Nobody knows whether a write happened: the connection was lost while the database answered.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

use super::Record;

/// The connection was lost while a write was its own transaction, or during a COMMIT: it may have
/// happened, or not.
///
/// Never tried again by itself, since a second time may be one time too many. With a version that no
/// other write can have ([`UuidVersion`](crate::version)), `Document::resolve` finds out what became
/// of a lone write. A lost COMMIT knows no record; whoever has to know looks for the version that one
/// of its writes would have left.
///
/// ```
/// fn tell(unknown: &noclobber::error::UnknownOutcome) -> String {
///     match unknown.record() {
///         Some(record) => format!("{record} may be saved or not: please look"),
///         None => "your changes may be saved or not: please look".into(),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct UnknownOutcome(Box<Inner>);

#[derive(Debug)]
struct Inner {
    write: Option<Write>,
    source: Box<dyn StdError + Send + Sync>,
}

struct Write {
    record: Record,
    /// None for a write that is not guarded by a version.
    expected: Option<String>,
    attempted: Option<String>,
    /// The same with its types, for the model that can resolve it.
    typed: Box<dyn Any + Send + Sync>,
}

impl UnknownOutcome {
    pub(crate) fn of_commit(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        UnknownOutcome(Box::new(Inner { write: None, source: source.into() }))
    }

    /// Of a write that no version guards, so that nothing in the row tells whether it happened.
    pub(crate) fn of_unguarded(
        record: Record,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let write = Write { record, expected: None, attempted: None, typed: Box::new(()) };
        UnknownOutcome(Box::new(Inner { write: Some(write), source: source.into() }))
    }

    pub(crate) fn of_write(
        record: Record,
        expected: String,
        attempted: Option<String>,
        typed: impl Any + Send + Sync,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let expected = Some(expected);
        let write = Write { record, expected, attempted, typed: Box::new(typed) };
        UnknownOutcome(Box::new(Inner { write: Some(write), source: source.into() }))
    }

    /// Says of a lost COMMIT that it was that of a single write.
    pub(crate) fn about(
        mut self,
        record: Record,
        expected: String,
        attempted: Option<String>,
        typed: impl Any + Send + Sync,
    ) -> Self {
        let expected = Some(expected);
        self.0.write = Some(Write { record, expected, attempted, typed: Box::new(typed) });
        self
    }

    pub(crate) fn typed<T: 'static>(&self) -> Option<&T> {
        self.0.write.as_ref()?.typed.downcast_ref()
    }

    /// The record that was to be written, when it was a single write and not a COMMIT.
    ///
    /// ```
    /// # fn log(unknown: noclobber::error::UnknownOutcome) {
    /// eprintln!("unknown: {:?}", unknown.record());
    /// # }
    /// ```
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        Some(&self.0.write.as_ref()?.record)
    }

    /// The version that the write expected, as canonical text; none for an `increment`.
    ///
    /// ```
    /// # fn log(unknown: noclobber::error::UnknownOutcome) {
    /// eprintln!("from {:?}", unknown.expected());
    /// # }
    /// ```
    #[must_use]
    pub fn expected(&self) -> Option<&str> {
        self.0.write.as_ref()?.expected.as_deref()
    }

    /// The version that the write would have left, as canonical text; none for a delete,
    /// and where a trigger of the database chooses it.
    ///
    /// ```
    /// # fn log(unknown: noclobber::error::UnknownOutcome) {
    /// eprintln!("to {:?}", unknown.attempted());
    /// # }
    /// ```
    #[must_use]
    pub fn attempted(&self) -> Option<&str> {
        self.0.write.as_ref()?.attempted.as_deref()
    }
}

impl StdError for UnknownOutcome {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0.source)
    }
}

impl fmt::Display for UnknownOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.write {
            Some(Write { record, expected: None, .. }) => {
                write!(f, "{record} may be written or not: the connection was lost")
            }
            Some(Write { record, expected: Some(expected), .. }) => write!(
                f,
                "{record} may be written or not: the connection was lost while its version \
                 {expected} was to be replaced"
            ),
            None => f.write_str(
                "the transaction may be committed or not: the connection was lost during COMMIT",
            ),
        }?;
        write!(f, " ({})", self.0.source)
    }
}

// By hand: what is inside has types that nobody can print.
impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("record", &self.record)
            .field("expected", &self.expected)
            .field("attempted", &self.attempted)
            .finish_non_exhaustive()
    }
}
