//! Many records at once: [`BatchDsl`].

mod store;
mod write;

pub use self::store::StoreBatch;

use self::store::Kind;
use crate::error::{ConcurrentModificationError, Result};
use crate::model::Versioned;

/// The operations of many records of one model.
///
/// Implemented for every [`Versioned`] model; bring it into scope with the
/// [`prelude`](crate::prelude). Each record is guarded by its own version, and stored byte for byte as
/// [`save`](crate::VersionedDsl::save) stores it. There are two modes:
///
/// * all or nothing: [`save_all`](Self::save_all), [`delete_all`](Self::delete_all). One stale record, and
///   nothing is written; the error names every stale one.
/// * best effort: [`save_each`](Self::save_each), [`delete_each`](Self::delete_each). What is stale is left
///   out and told; any other error aborts the whole batch.
///
/// # What is sent
///
/// In one transaction (in a savepoint when one is open), for an empty batch nothing:
///
/// * SQLite: the statement of a single `save` or `delete` for each record. It is prepared once.
/// * PostgreSQL: one statement for up to 5,000 records, `UPDATE t AS target SET …, version =
///   target.version + 1 FROM (SELECT unnest(?) AS id, unnest(?) AS version, unnest(?) AS …) AS batch WHERE
///   target.id = batch.id AND target.version = batch.version RETURNING …`, or a `DELETE` of that form.
/// * MySQL and MariaDB: two statements for up to 1,000 records, fewer when these would have
///   more than 65,535 places. `SELECT …, target.version FROM t AS target JOIN (SELECT …, id FROM t WHERE FALSE
///   UNION ALL VALUES (?), …) AS batch ON target.id = batch.id FOR UPDATE` holds the records, and those that
///   are current are written by `UPDATE t AS target JOIN (SELECT …, id, version FROM t WHERE FALSE UNION ALL
///   VALUES (?, …), …) AS batch ON target.id = batch.id AND target.version = batch.version SET …`. Before
///   8.0.19, MySQL does not know this form.
///
/// And for each record that was not written a look at what is there, as after a single save. Single
/// statements are sent on every database for a model whose version a trigger keeps and for a child of an
/// [aggregate](crate::aggregate), whose root is bumped for each of them; and on PostgreSQL for a model with a
/// column that is an array, and through an enum of `#[derive(MultiConnection)]`. They are sent as well when the
/// database refuses the other form, or does not write just these records by it: all of it is undone then,
/// and each record is written, and judged, on its own.
///
/// Records are taken in the order of their keys' texts, children in that of their roots'. Even so two batches that overlap can meet in a
/// deadlock, since the database chooses its plan: one of them is answered
/// [`Error::Unavailable`](crate::Error::Unavailable), and [`retry`](crate::retry()) runs it again.
///
/// # What it cannot do
///
/// * A statement that is larger than the server takes (`max_allowed_packet` on MySQL, 16 MiB by default on
///   MariaDB) ends the connection: save large values in smaller batches.
/// * A record that another one of the same `delete_all` takes along (`ON DELETE CASCADE` within one table) is
///   told as deleted by somebody else on SQLite and MySQL. Delete the one that cascades.
/// * Values of a unique column that move from record to record meet on the way, in any order. Let the
///   constraint be checked at COMMIT (`DEFERRABLE`), where the database can.
///
/// ```
/// # include!("../doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// # Document::create(documents::title.eq("Two"), conn)?;
/// let mut all = Document::query().load(conn)?;
/// for document in &mut all {
///     document.title.push('!');
/// }
/// let all = Document::save_all(all, conn)?;
/// assert!(all.iter().all(|document| document.version == 2));
/// # Ok(())
/// # }
/// ```
pub trait BatchDsl: Versioned {
    /// Saves all of them, or nothing. Gives them back at their next versions, in the same order.
    ///
    /// # Errors
    ///
    /// [`Error::ConcurrentModification`](crate::Error::ConcurrentModification) when records are not at
    /// their versions: the conflict of the first of them, with
    /// [`others`](ConcurrentModificationError::others) the rest;
    /// [`Error::TwiceInBatch`](crate::Error::TwiceInBatch) when two have the same key, and
    /// [`Error::VersionExhausted`](crate::Error::VersionExhausted), both before anything is sent;
    /// [`Error::KeyNotUnique`](crate::Error::KeyNotUnique) and
    /// [`Error::VersionUnchanged`](crate::Error::VersionUnchanged) as in a single save;
    /// [`Error::UnknownOutcome`](crate::Error::UnknownOutcome) when the connection was lost during COMMIT.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # Document::create(documents::title.eq("Two"), conn)?;
    /// let all = Document::query().load(conn)?;
    /// all[1].clone().touch(conn)?; // somebody else
    ///
    /// let error = Document::save_all(all, conn).unwrap_err();
    /// assert_eq!(error.conflict().unwrap().record().key(), "2");
    /// assert_eq!(Document::find(1, conn)?.version, 1);
    /// # Ok(())
    /// # }
    /// ```
    fn save_all<C: StoreBatch<Self>>(
        models: impl IntoIterator<Item = Self>,
        conn: &mut C,
    ) -> Result<Vec<Self>> {
        let models: Vec<Self> = models.into_iter().collect();
        let versions = write::all(&models, Kind::Save, conn)?;
        Ok(models.into_iter().zip(versions).map(at).collect())
    }

    /// Saves those that can be saved. Answers for each, in the same order: the record at its next version,
    /// or the conflict.
    ///
    /// Best effort as to staleness alone: when the database refuses one of them for another reason,
    /// nothing is written.
    ///
    /// # Errors
    ///
    /// As [`save_all`](Self::save_all), but that a conflict is told in its record's place.
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # Document::create(documents::title.eq("Two"), conn)?;
    /// let all = Document::query().load(conn)?;
    /// all[1].clone().touch(conn)?; // somebody else
    ///
    /// let saved = Document::save_each(all, conn)?;
    /// assert_eq!(saved[0].as_ref().unwrap().version, 2);
    /// assert_eq!(saved[1].as_ref().unwrap_err().record().key(), "2");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "best effort")]
    fn save_each<C: StoreBatch<Self>>(
        models: impl IntoIterator<Item = Self>,
        conn: &mut C,
    ) -> Result<Vec<Result<Self, ConcurrentModificationError>>> {
        let models: Vec<Self> = models.into_iter().collect();
        let outcomes = write::each(&models, Kind::Save, conn)?;
        let told = |(model, outcome): (Self, Result<_, _>)| outcome.map(|next| at((model, next)));
        Ok(models.into_iter().zip(outcomes).map(told).collect())
    }

    /// Deletes all of them, or nothing.
    ///
    /// # Errors
    ///
    /// As [`save_all`](Self::save_all).
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # Document::create(documents::title.eq("Two"), conn)?;
    /// Document::delete_all(Document::query().load(conn)?, conn)?;
    /// assert!(Document::find(1, conn).unwrap_err().is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    fn delete_all<C: StoreBatch<Self>>(
        models: impl IntoIterator<Item = Self>,
        conn: &mut C,
    ) -> Result<()> {
        let models: Vec<Self> = models.into_iter().collect();
        write::all(&models, Kind::Delete, conn).map(drop)
    }

    /// Deletes those that can be deleted. Answers for each, in the same order, whether it was, or the
    /// conflict.
    ///
    /// # Errors
    ///
    /// As [`save_each`](Self::save_each).
    ///
    /// ```
    /// # include!("../doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let stale = Document::find(1, conn)?;
    /// stale.clone().touch(conn)?; // somebody else
    /// let deleted = Document::delete_each([stale], conn)?;
    /// assert!(deleted[0].is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "best effort")]
    fn delete_each<C: StoreBatch<Self>>(
        models: impl IntoIterator<Item = Self>,
        conn: &mut C,
    ) -> Result<Vec<Result<(), ConcurrentModificationError>>> {
        let models: Vec<Self> = models.into_iter().collect();
        let outcomes = write::each(&models, Kind::Delete, conn)?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map(drop)).collect())
    }
}

impl<M: Versioned> BatchDsl for M {}

/// A record at its next version: only after it was written.
fn at<M: Versioned>((mut model, version): (M, M::Version)) -> M {
    model.__set_version(version);
    model
}
