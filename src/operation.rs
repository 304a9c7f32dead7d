//! What can be done with a versioned record, and what the database's answer means.
//!
//! The operations are the methods of [`VersionedDsl`]. The other traits here are what they ask of a
//! connection; code that is generic over the connection names them.
//!
//! ```
//! # include!("doctest_setup.rs");
//! use noclobber::Store;
//!
//! fn publish<C: Store<Document>>(id: i64, conn: &mut C) -> noclobber::Result<Document> {
//!     let document = Document::find(id, conn)?;
//!     let title = format!("{} (published)", document.title);
//!     Document { title, ..document }.save(conn)
//! }
//! # fn main() { publish(1, &mut documents_with_one_row()).unwrap(); }
//! ```

mod aggregate;
mod batch;
mod by_trigger;
mod child;
mod create;
mod delete;
mod find;
mod increment;
mod modify;
mod outcome;
mod patch;
mod proven;
mod resolve;
mod row_lock;
mod save;
mod store;
mod upsert;
mod verify;

pub use self::aggregate::Aggregate;
pub(crate) use self::aggregate::{Root, change};
pub use self::batch::{BatchDsl, StoreBatch};
pub(crate) use self::child::{
    create as create_child, create_with as create_child_with, move_to as move_child,
};
pub(crate) use self::proven::{delete_proven, missed, patch_proven};
pub use self::resolve::Resolution;
pub use self::row_lock::{FindLocked, FindLockedAt, FindUnlessLocked, LockRowsDsl, LockedRows};
pub(crate) use self::save::written_alone;
pub use self::store::{LoadLocked, Store, StoreChanges, StoreIncrement, StoreNew, StoreNewChild};
pub(crate) use self::verify::is_current;
pub use self::verify::{ForUpdate, Verify, verify_all};

pub use crate::statement::BumpVersion;

use crate::backend::RowLock;
use crate::error::{Error, Result, UnknownOutcome};
use crate::model::Versioned;
use crate::retry::{Policy, Source};
use crate::version::{Counter, UniqueVersion};

/// The operations of a versioned record.
///
/// Implemented for every [`Versioned`] model; bring it into scope with the
/// [`prelude`](crate::prelude). Operations that write take the record by value and give it back at
/// its new version, so a stale copy cannot be saved twice by accident, and a transaction that rolls
/// back has changed no model outside it. Clone the record first if you want it after an error.
///
/// The connection comes last, as everywhere in Diesel. It may be a connection, a pooled one, or
/// either of them inside a transaction. With no transaction open, an operation is one of its own.
///
/// ```
/// # include!("doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// let document = Document::find(1, conn)?;
/// let document = Document { title: "Final".into(), ..document }.save(conn)?;
/// document.delete(conn)?;
/// # Ok(())
/// # }
/// ```
///
/// What is said of statements here is so for a model that is its own root. A child in an
/// [aggregate](crate::aggregate) moves its root on as well: see [`ChildDsl`](crate::ChildDsl).
///
/// All errors of the database arrive as [`Error::Unavailable`] when a restart may cure them, and as
/// [`Error::Database`] otherwise; the sections below name the others.
pub trait VersionedDsl: Versioned {
    /// Loads the record with this key.
    ///
    /// Sends `SELECT <columns> FROM t WHERE id = ?`; a `base_query` of the model is not part of it. An
    /// `i16` wants its type said, as in `find(1_i16, conn)`: a plain literal is taken for an `i32`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none, [`Error::KeyNotUnique`] when there are several.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = Document::find(1, conn)?;
    /// assert_eq!(document.title, "Draft");
    /// assert!(Document::find(2, conn).unwrap_err().is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    fn find<C: Store<Self>>(key: impl Into<Self::Key>, conn: &mut C) -> Result<Self> {
        find::find(&key.into(), conn)
    }

    /// Loads the record with this key, and refuses at once when it is not at this version any more.
    ///
    /// For a client that sends back the version it was shown: what it is about to change is what it
    /// has seen. Sends the statement of [`find`](Self::find), and, when that has found nothing, a
    /// `SELECT version` to see why.
    ///
    /// # Errors
    ///
    /// [`Error::ConcurrentModification`] when the record has another version or is gone: the
    /// client saw it, so somebody deleted it.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = Document::find_at(1, 1, conn)?;
    /// document.save(conn)?;
    /// assert!(Document::find_at(1, 1, conn).unwrap_err().is_conflict());
    /// # Ok(())
    /// # }
    /// ```
    fn find_at<C: Store<Self>>(
        key: impl Into<Self::Key>,
        version: impl Into<Self::Version>,
        conn: &mut C,
    ) -> Result<Self> {
        find::find_at(&key.into(), &version.into(), conn)
    }

    /// Loads the record with this key and holds its row until the transaction ends: nobody else writes
    /// or locks it meanwhile.
    ///
    /// For a record that is read and then written in one transaction, where many want it at once and to
    /// wait is cheaper than to be refused and begin again. [`load`](FindLocked::load) sends it; what to
    /// do about a row that somebody else has stands before that:
    /// [`no_wait`](FindLocked::no_wait), [`skip_locked`](FindLocked::skip_locked). For rows by another
    /// condition than their key there is [`lock_rows`](LockRowsDsl::lock_rows).
    ///
    /// Sends `SELECT <columns> FROM t WHERE id = ? FOR UPDATE`; on PostgreSQL `FOR NO KEY UPDATE` (see
    /// [`RowLock`]). There is no clause on SQLite, where the outermost transaction has to be
    /// [`transaction`](crate::transaction()), which is the only writer from its beginning; Diesel's own
    /// holds nothing before its first write. On MySQL and MariaDB the answer is what the row holds now,
    /// whatever the transaction has read before.
    ///
    /// A row lock keeps out others, and not a mistake of one's own: `save` still compares the version.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = noclobber::transaction(conn, |conn| {
    ///     let document = Document::find_for_update(1).load(conn)?;
    ///     let title = format!("{} (published)", document.title);
    ///     Document { title, ..document }.save(conn)
    /// })?;
    /// assert_eq!(document.title, "Draft (published)");
    /// # Ok(())
    /// # }
    /// ```
    fn find_for_update(key: impl Into<Self::Key>) -> FindLocked<Self> {
        FindLocked::new(key.into(), RowLock::for_update())
    }

    /// Loads the record with this key and holds its row until the transaction ends: nobody writes it
    /// meanwhile, and others may hold it in the same way.
    ///
    /// For a record that a write relies on and does not change, when it was not loaded before; one that
    /// was is held by [`verify`](Self::verify). Who is going to write it takes
    /// [`find_for_update`](Self::find_for_update) at once: two that share a row and both write it end in
    /// a deadlock.
    ///
    /// Sends `SELECT <columns> FROM t WHERE id = ? FOR SHARE`, on MySQL and MariaDB
    /// `LOCK IN SHARE MODE`. On SQLite as for [`find_for_update`](Self::find_for_update).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// noclobber::transaction(conn, |conn| {
    ///     let template = Document::find_for_share(1).load(conn)?;
    ///     Document::create(documents::title.eq(template.title), conn)
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    fn find_for_share(key: impl Into<Self::Key>) -> FindLocked<Self> {
        FindLocked::new(key.into(), RowLock::for_share())
    }

    /// [`find_for_update`](Self::find_for_update) of a record that is at this version still, as
    /// [`find_at`](Self::find_at) has it.
    ///
    /// For a client that sends back the version it was shown, and for work that is best refused before
    /// it begins. The version is that of the row as it is locked, so the save in the same transaction is
    /// not refused any more.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = noclobber::transaction(conn, |conn| {
    ///     let document = Document::find_for_update_at(1, 1).load(conn)?;
    ///     Document { title: "Final".into(), ..document }.save(conn)
    /// })?;
    /// assert_eq!(document.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    fn find_for_update_at(
        key: impl Into<Self::Key>,
        version: impl Into<Self::Version>,
    ) -> FindLockedAt<Self> {
        FindLockedAt::new(key.into(), version.into(), RowLock::for_update())
    }

    /// Creates a record from anything that Diesel can insert into its table, and loads it.
    ///
    /// The version is added to what is inserted; `new` does not name it. In one transaction (in a
    /// savepoint when one is open), sends `INSERT INTO t (…, version) VALUES (…, ?) RETURNING id`
    /// and then the statement of [`find`](Self::find), so that what defaults and triggers put into
    /// the row is in the model too. Where there is no `RETURNING` (MySQL), the key is asked for by
    /// `LAST_INSERT_ID()`: there, the key's column is the one that is `AUTO_INCREMENT`. In a table where
    /// another column is, that number is not the key, and may be that of another record; use
    /// [`create_with`](Self::create_with).
    ///
    /// A child in an aggregate is created by [`create_in`](crate::ChildDsl::create_in).
    ///
    /// Counters start at 1. When a key is used again after a delete, its versions repeat: a copy of
    /// the deleted record can then match its successor. So see that keys do not return (SQLite hands
    /// out rowids again unless the table is declared `AUTOINCREMENT`), or take a `UuidVersion`, which
    /// never repeats. `#[versioned(start = clock)]` starts an `i64` at the time of creation, in
    /// microseconds; like a timestamp it repeats only when key and time both return: within one tick
    /// of the clock, after more writes than ticks, or when the clock is set back.
    ///
    /// # Errors
    ///
    /// [`Error::NotCreated`] when a trigger dropped the insert without an error;
    /// [`Error::KeyUnknown`] when the database does not tell the key (MySQL, for keys that it does not
    /// choose): [`create_with`](Self::create_with) is for those.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// #[derive(Insertable)]
    /// #[diesel(table_name = documents)]
    /// struct NewDocument<'a> {
    ///     title: &'a str,
    /// }
    ///
    /// let document = Document::create(NewDocument { title: "Minutes" }, conn)?;
    /// assert_eq!((document.id, document.version), (2, 1));
    ///
    /// let document = Document::create(documents::title.eq("Agenda"), conn)?;
    /// assert_eq!(document.title, "Agenda");
    /// # Ok(())
    /// # }
    /// ```
    fn create<New, C: StoreNew<Self, New>>(new: New, conn: &mut C) -> Result<Self> {
        create::create(new, conn)
    }

    /// [`create`](Self::create) for a key that the caller knows, as the key of what is inserted.
    ///
    /// On MySQL and MariaDB the only way for keys that are not chosen by the database, since it tells
    /// no others. The same everywhere else. In one transaction (in a savepoint when one is open),
    /// sends `INSERT INTO t (version, …) VALUES (?, …)` and then the statement of
    /// [`find`](Self::find).
    ///
    /// # Errors
    ///
    /// [`Error::NotCreated`] when a trigger dropped the insert without an error, or when what was
    /// inserted has another key.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let new = (documents::id.eq(70), documents::title.eq("Minutes"));
    /// let document = Document::create_with(70, new, conn)?;
    /// assert_eq!((document.id, document.version), (70, 1));
    /// # Ok(())
    /// # }
    /// ```
    fn create_with<New, C: StoreNew<Self, New>>(
        key: impl Into<Self::Key>,
        new: New,
        conn: &mut C,
    ) -> Result<Self> {
        create::create_with(&key.into(), new, conn)
    }

    /// Writes the record back, if nobody has written it since it was loaded, and gives it back at
    /// its new version.
    ///
    /// Sends one statement, `UPDATE t SET <columns>, version = <next> WHERE id = ? AND version = ?`,
    /// whose text is the same for every record of the model. `<columns>` are all of the model's but
    /// its key, its version, those marked `#[versioned(unguarded)]` or `#[diesel(skip_update)]`,
    /// and those with a `select_expression`; `None` is written as NULL. `<next>` is `version + 1`
    /// for the counters, and a bind for all other versions. Only when no row was
    /// changed, a `SELECT version` finds out why.
    ///
    /// Where a trigger keeps the version (`#[versioned(trigger)]`), `<next>` is the column itself, and
    /// a `SELECT version` reads back what the trigger made of it. The two are one transaction, or a
    /// savepoint when one is open.
    ///
    /// The key is taken from the record as it is now: a record whose key was changed in memory hits
    /// whatever row has that key and version.
    ///
    /// What comes back is what was given, at its next version. What the database makes of it (a column
    /// that a trigger fills in, a rounded decimal) shows when the record is loaded again; columns that
    /// the database maintains (`updated_at`) are to be marked `#[versioned(unguarded)]`, or the next
    /// save writes their old value back. The table is a base table: a write that a trigger performs
    /// in the place of this one (`INSTEAD OF`, a soft delete that drops the `DELETE`) changes no row
    /// by this statement's count, and is reported as refused.
    ///
    /// A value that was produced inside a transaction claims a version that the row has only once
    /// that transaction is committed. Drop it when the transaction is rolled back.
    ///
    /// # Errors
    ///
    /// [`Error::ConcurrentModification`] when the record has another version, is gone, or the
    /// database kept the write from it ([`Found`](crate::Found) tells); [`Error::UnknownOutcome`] when
    /// the connection was lost and no transaction was open; [`Error::VersionExhausted`] when its
    /// counter is at the maximum; [`Error::KeyNotUnique`] when several rows were written;
    /// [`Error::VersionUnchanged`] when a trigger was to move the version on and did not.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let mine = Document::find(1, conn)?;
    /// let theirs = mine.clone();
    ///
    /// let mine = Document { title: "Mine".into(), ..mine }.save(conn)?;
    /// assert_eq!(mine.version, 2);
    ///
    /// let error = Document { title: "Theirs".into(), ..theirs }.save(conn).unwrap_err();
    /// assert!(error.is_conflict());
    /// assert_eq!(mine.reload(conn)?.title, "Mine");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Behind a `&mut`, save a clone: `state.document = state.document.clone().save(conn)?`.
    fn save<C: Store<Self>>(self, conn: &mut C) -> Result<Self> {
        save::save(self, conn)
    }

    /// Creates the record if it is to be new, or saves it if it is to be at a version, and gives it back
    /// at the version that it has then.
    ///
    /// For records that come with their key from elsewhere (an import, a `PUT` of HTTP), with what their
    /// sender knows of them: `None`, that there is none yet (`If-None-Match: *`), or the version that they
    /// have (`If-Match`). The version in the model does not count.
    ///
    /// With a version it is a [`save`](Self::save). With `None`, in one transaction (in a savepoint when
    /// one is open), sends `INSERT INTO t (<columns>, id, version) VALUES (?, …)` and then the statement of
    /// [`find`](Self::find), so that what comes back is the row as the database made it. `<columns>` are
    /// those that a save writes; all others (those that are `#[versioned(unguarded)]`, those that leases
    /// are kept in, and what a projection lacks) get the database's defaults. On SQLite and PostgreSQL
    /// ` ON CONFLICT (id) DO NOTHING` stands behind it; on MySQL and MariaDB the insert fails when the
    /// key is there. When nothing was inserted, a `SELECT version` finds out why.
    ///
    /// A row that is there is never written over, by whatever key: this is not
    /// `ON DUPLICATE KEY UPDATE`, nor `INSERT OR REPLACE`. The model's key has to be `PRIMARY KEY` or
    /// `UNIQUE` in the database.
    ///
    /// # Errors
    ///
    /// [`Error::ConcurrentModification`]: with `None` when the record exists, and
    /// [`found`](crate::ConcurrentModificationError::found) names its version; with a version as
    /// [`save`](Self::save), and with [`Found::Deleted`](crate::Found::Deleted) when there is no such
    /// record. [`Error::Database`] when another unique key than the model's is taken;
    /// [`Error::NotCreated`] when a trigger dropped the insert without an error, or when the row that was
    /// inserted has another key (MySQL takes a 0 for one that it is to choose). With a version, otherwise
    /// those of [`save`](Self::save).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let minutes = || Document { id: 70, title: "Minutes".into(), views: 0, version: 0 };
    ///
    /// let created = minutes().upsert(None, conn)?;
    /// assert_eq!(created.version, 1);
    /// let late = minutes().upsert(None, conn).unwrap_err();
    /// assert_eq!(late.to_string(), "documents 70 was not created: expected no row, found version 1");
    ///
    /// let saved = minutes().upsert(Some(1), conn)?;
    /// assert_eq!(saved.version, 2);
    /// saved.delete(conn)?;
    /// let gone = minutes().upsert(Some(2), conn).unwrap_err();
    /// assert_eq!(*gone.conflict().unwrap().found(), noclobber::Found::Deleted);
    /// # Ok(())
    /// # }
    /// ```
    fn upsert<C: Store<Self>>(self, expected: Option<Self::Version>, conn: &mut C) -> Result<Self> {
        upsert::upsert(self, expected, conn)
    }

    /// Deletes the record, if nobody has written it since it was loaded.
    ///
    /// Sends `DELETE FROM t WHERE id = ? AND version = ?`. A key that is used again after a delete
    /// repeats its versions; see [`create`](Self::create) for the cure.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let stale = Document::find(1, conn)?;
    /// let document = stale.clone().save(conn)?;
    /// assert!(stale.delete(conn).unwrap_err().is_conflict());
    /// document.delete(conn)?;
    /// # Ok(())
    /// # }
    /// ```
    fn delete<C: Store<Self>>(self, conn: &mut C) -> Result<()> {
        delete::delete(&self, conn)
    }

    /// Finds out what became of a write of this model whose answer was lost.
    ///
    /// For versions that no other write can have. In a transaction of its own (in a savepoint when one
    /// is open), sends the statement of [`verify`](Self::verify), whose lock waits for a write that is
    /// still running on the server, and a look when there is no row.
    ///
    /// # Errors
    ///
    /// [`Error::NotOfThisModel`] when it was the write of another model, or a COMMIT.
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use noclobber::prelude::*;
    /// # #[cfg(feature = "uuid")]
    /// # mod example {
    /// # use super::*;
    /// # use noclobber::version::UuidVersion;
    /// # diesel::table! { notes (id) { id -> BigInt, text -> Text, version -> Binary } }
    /// # #[derive(Debug, Clone, HasQuery, Versioned)]
    /// # #[diesel(table_name = notes)]
    /// # struct Note { id: i64, text: String, version: UuidVersion }
    /// use noclobber::Error;
    /// use noclobber::operation::Resolution;
    ///
    /// fn save(note: Note, conn: &mut SqliteConnection, again: &mut SqliteConnection)
    ///     -> noclobber::Result<()> {
    ///     match note.clone().save(conn) {
    ///         Err(Error::UnknownOutcome(unknown)) => match Note::resolve(&unknown, again)? {
    ///             Resolution::NotApplied => note.save(again).map(drop),
    ///             _ => Ok(()),
    ///         },
    ///         answer => answer.map(drop),
    ///     }
    /// }
    /// # }
    /// # fn main() {}
    /// ```
    fn resolve<C: Store<Self>>(unknown: &UnknownOutcome, conn: &mut C) -> Result<Resolution>
    where
        Self::Version: UniqueVersion,
    {
        resolve::resolve::<Self, C>(unknown, conn)
    }

    /// Moves the record to its next version without another change, so that every open copy of it
    /// becomes stale.
    ///
    /// Sends `UPDATE t SET version = <next> WHERE id = ? AND version = ?`.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = Document::find(1, conn)?.touch(conn)?;
    /// assert_eq!(document.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    fn touch<C: Store<Self>>(self, conn: &mut C) -> Result<Self> {
        save::touch(self, conn)
    }

    /// Loads the record anew, at whatever version it has now.
    ///
    /// Sends the statement of [`find`](Self::find).
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = Document::find(1, conn)?;
    /// document.clone().touch(conn)?;
    /// assert_eq!(document.reload(conn)?.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    fn reload<C: Store<Self>>(&self, conn: &mut C) -> Result<Self> {
        find::find(&self.key(), conn)
    }

    /// Makes sure that the record is still what was loaded, and holds it so until the transaction
    /// ends.
    ///
    /// For a write that depends on a record it does not write: "I read this, and it has to stay
    /// true." Sends `SELECT version FROM t WHERE id = ?`, with a lock clause where the database
    /// needs one. On SQLite the outermost transaction has to be
    /// [`transaction`](crate::transaction()), which is a writer from its beginning; Diesel's own holds
    /// nothing before its first write. For several records use [`verify_all`], which takes them in an order that all
    /// transactions share. Call it before the writes of the transaction.
    ///
    /// # Errors
    ///
    /// [`Error::NotInTransaction`] when none is open, since the row would be let go at once;
    /// [`Error::ConcurrentModification`] when the record has another version or is gone, or
    /// (`Found::Vetoed`) when a policy of the database lets this account see it and not hold it.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let rules = Document::find(1, conn)?;
    /// noclobber::transaction(conn, |conn| {
    ///     rules.verify(conn)?;
    ///     Document::create(documents::title.eq("By the rules"), conn)
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    fn verify<C: Store<Self>>(&self, conn: &mut C) -> Result<()> {
        verify::verify(self, conn)
    }

    /// Marks the record, for [`verify_all`], as one that the transaction is going to write.
    ///
    /// Sends nothing by itself. What [`verify_all`] sends for it has the lock clause of a write
    /// (`FOR UPDATE`, `FOR NO KEY UPDATE` on PostgreSQL) where [`verify`](Self::verify) has that of a
    /// read.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// # let ann = Document::find(1, conn)?;
    /// # let bob = Document::create(documents::title.eq("on call"), conn)?;
    /// // Ann goes off call, and relies on it that Bob is on.
    /// noclobber::transaction(conn, |conn| {
    ///     noclobber::verify_all(&[&ann.for_update(), &bob], conn)?;
    ///     Document { title: "off call".into(), ..ann }.save(conn)
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    fn for_update(&self) -> ForUpdate<'_, Self> {
        ForUpdate(self)
    }

    /// Writes only the columns that `changes` names, if the record is at this version, and gives
    /// back its new version. Loads nothing.
    ///
    /// `changes` is any Diesel changeset of the table. Sends
    /// `UPDATE t SET <changes>, version = ? WHERE id = ? AND version = ?`. A changeset without a
    /// change moves the version on like [`touch`](Self::touch). It does not name the version
    /// column: that one is this crate's.
    ///
    /// Of a child in an aggregate, the record is read first, since only it tells its root; and afterwards a
    /// `SELECT` sees that the changes have left it there.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let version = Document::patch(1, 1, documents::title.eq("Final"), conn)?;
    /// assert_eq!(version, 2);
    /// assert!(Document::patch(1, 1, documents::title.eq("Late"), conn).unwrap_err().is_conflict());
    /// # Ok(())
    /// # }
    /// ```
    fn patch<Changes, C: StoreChanges<Self, Changes>>(
        key: impl Into<Self::Key>,
        version: impl Into<Self::Version>,
        changes: Changes,
        conn: &mut C,
    ) -> Result<Self::Version> {
        patch::patch(&key.into(), &version.into(), changes, conn)
    }

    /// Adds to a column that is outside conflict detection. The version stays.
    ///
    /// (Unless a trigger keeps the version: to that one it is an UPDATE like any other.)
    ///
    /// For counters that many writers raise at once (views, votes, stock movements), where the sum
    /// is what counts and not who was first. The column's field is marked
    /// `#[versioned(unguarded)]`, so that no save writes an old count back, and the column is NOT
    /// NULL. Sends `UPDATE t SET n = n + ? WHERE id = ?`; to subtract, add a negative number.
    ///
    /// The sum is the database's. SQLite does not keep it within the column's type: beyond 64 bits it
    /// becomes a floating point number, and beyond the type of the model's field it cannot be read
    /// back as it is. Where a counter can come near, bound it there:
    /// `CHECK (typeof(n) = 'integer' AND n <= 2147483647)`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such record, [`Error::KeyNotUnique`] when several rows
    /// were written; [`Error::UnknownOutcome`] when the connection was lost and no transaction was
    /// open: it may have been added, and nothing in the row tells.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// Document::increment(1, documents::views, 1, conn)?;
    /// let document = Document::find(1, conn)?;
    /// assert_eq!((document.views, document.version), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    fn increment<Col, By, C: StoreIncrement<Self, Col, By>>(
        key: impl Into<Self::Key>,
        column: Col,
        by: By,
        conn: &mut C,
    ) -> Result<()> {
        increment::increment(&key.into(), column, &by, conn)
    }

    /// `version = version + 1`, for an update of Diesel's that writes many rows at once: every open copy of
    /// them becomes stale.
    ///
    /// An update without it goes unnoticed, and whoever has loaded a row before overwrites it. It stands
    /// beside the other changes, in a tuple. For counters ([`Counter`]): `i16`, `i32`, `i64`. Where a
    /// trigger keeps the version, it says `version = version`, which changes nothing, and the trigger does
    /// the rest.
    ///
    /// Sends nothing by itself, and compares no version: such an update is made to whatever is there. A
    /// version at its maximum is an error of the database; not on SQLite, which does not keep a number
    /// within its column's type unless a CHECK does, as for [`increment`](Self::increment).
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let open = Document::find(1, conn)?;
    /// let written = diesel::update(documents::table.filter(documents::title.eq("Draft")))
    ///     .set((documents::title.eq("Archived"), Document::bump_version()))
    ///     .execute(conn)?;
    /// assert_eq!(written, 1);
    /// assert!(open.save(conn).unwrap_err().is_conflict());
    /// # Ok(())
    /// # }
    /// ```
    ///
    #[cfg_attr(
        feature = "uuid",
        doc = "
A version of another kind does not compile:

```compile_fail,E0277
# use diesel::prelude::*;
# use noclobber::prelude::*;
# use noclobber::version::UuidVersion;
# diesel::table! { notes (id) { id -> BigInt, text -> Text, version -> Binary } }
# #[derive(Debug, Clone, HasQuery, Versioned)]
# #[diesel(table_name = notes)]
# struct Note { id: i64, text: String, version: UuidVersion }
let next = Note::bump_version();
```"
    )]
    fn bump_version() -> BumpVersion<Self>
    where
        Self::Version: Counter,
    {
        BumpVersion::new()
    }

    /// Loads the record, changes it, saves it; and does so again when somebody else was faster.
    ///
    /// The call for a change that can be computed from whatever is there: "add a line", "mark as
    /// paid". `source` is a pool or a connection (`&pool`, or `&mut *conn`); a pool gets its
    /// connection back while this waits before it tries again. The change may run several times,
    /// so side effects belong after the call. Tries and waits as the default
    /// [`Policy`] says; [`try_modify`](Self::try_modify) takes another one, for instance for a host
    /// whose tests run inside a test transaction.
    ///
    /// Sends the statements of [`find`](Self::find) and [`save`](Self::save), outside any
    /// transaction: no lock is held while the change is computed. After 6 conflicts
    /// ([`Policy::escalate_after`]) it *escalates*: the attempt is then one transaction at READ COMMITTED,
    /// with the statements of [`find_for_update`](Self::find_for_update) and [`save`](Self::save), and
    /// whoever else wants to write the row waits while the change is computed. So a hot row is served in
    /// turn, and an attempt after that fails only when the database cannot serve it
    /// ([`Error::Unavailable`]). The change must not write the same record by another connection: it would
    /// wait for itself.
    ///
    /// # Errors
    ///
    /// The last conflict, or the last [`Error::Unavailable`], when the attempts are used up; both
    /// carry their number. At once: [`Error::NotFound`]; the conflict when the record was deleted
    /// meanwhile or the database vetoed the write; [`Error::KeyChanged`] when the change touched
    /// the key; [`Error::InTransaction`] when a transaction is open.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// let document = Document::modify(1, conn, |document| document.title.push('!'))?;
    /// assert_eq!(document.title, "Draft!");
    /// # Ok(())
    /// # }
    /// ```
    fn modify<S>(
        key: impl Into<Self::Key>,
        source: S,
        mut change: impl FnMut(&mut Self),
    ) -> Result<Self>
    where
        S: Source<Conn: Store<Self>>,
    {
        Self::try_modify(key, source, &Policy::default(), |model| {
            change(model);
            Ok::<(), Error>(())
        })
    }

    /// [`modify`](Self::modify) with a policy of your own, and with a change that can fail.
    ///
    /// An error of the change ends it at once and is given back; nothing was written then.
    ///
    /// # Errors
    ///
    /// As [`modify`](Self::modify), and the change's own.
    ///
    /// ```
    /// # include!("doctest_setup.rs");
    /// # fn main() -> noclobber::Result<()> {
    /// # let conn = &mut documents_with_one_row();
    /// use noclobber::retry::Policy;
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// enum Refused {
    ///     #[error("the document is final")]
    ///     Final,
    ///     #[error(transparent)]
    ///     Save(#[from] noclobber::Error),
    /// }
    ///
    /// let policy = Policy::default().attempts(3);
    /// let answer = Document::try_modify(1, &mut *conn, &policy, |document| {
    ///     if document.title == "Final" {
    ///         return Err(Refused::Final);
    ///     }
    ///     document.title = "Final".into();
    ///     Ok(())
    /// });
    /// assert_eq!(answer.unwrap().title, "Final");
    /// # Ok(())
    /// # }
    /// ```
    fn try_modify<S, E>(
        key: impl Into<Self::Key>,
        source: S,
        policy: &Policy,
        change: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<Self, E>
    where
        S: Source<Conn: Store<Self>>,
        E: From<Error>,
    {
        modify::modify(&key.into(), source, policy, change)
    }
}

impl<M: Versioned> VersionedDsl for M {}
