//! The executor of batches: see [`Store`].

use diesel::QueryResult;
use diesel::connection::LoadConnection;
use diesel::row::Row as _;
use diesel::sql_types::Integer;

use crate::backend::{self, Batch, BindArray, RowLock};
use crate::model::bounds::{Bind, Read};
use crate::model::{Versioned, VersionedOn};
use crate::operation::store::{Store, read};
use crate::statement::batch::arrays::{DeleteArrays, UpdateArrays};
use crate::statement::batch::union::{self, DeleteUnion, HoldAll, Row, UpdateUnion};

/// A connection through which many records of a model can be written at once.
///
/// Implemented for every [`Store`] of the model.
///
/// ```
/// # include!("../../doctest_setup.rs");
/// use noclobber::operation::StoreBatch;
///
/// fn publish<C: StoreBatch<Document>>(
///     documents: Vec<Document>,
///     conn: &mut C,
/// ) -> noclobber::Result<Vec<Document>> {
///     Document::save_all(documents, conn)
/// }
/// # fn main() {
/// #     let conn = &mut documents_with_one_row();
/// #     let all = vec![Document::find(1, conn).unwrap()];
/// #     assert_eq!(publish(all, conn).unwrap()[0].version, 2);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "batches of `{M}` cannot be stored through `{Self}`",
    label = "not a connection that can store `{M}`",
    note = "the model derives `Versioned`, its columns have types that this database knows, and the \
            feature of the database is enabled: noclobber = {{ version = \"…\", features = [\"sqlite\"] }}"
)]
pub trait StoreBatch<M: Versioned>: Store<M> {
    /// What suits the database and the model.
    #[doc(hidden)]
    fn __form(&self) -> Form;

    /// Writes them by one statement; the places in the slice of those that were written.
    #[doc(hidden)]
    fn __write_arrays(
        &mut self,
        kind: Kind,
        models: &[&M],
        next: &[&M::Version],
    ) -> QueryResult<Vec<usize>>;

    /// Holds the records with these keys.
    #[doc(hidden)]
    fn __hold_all(&mut self, rows: &[Row<'_, M>], row: &'static str) -> QueryResult<Vec<Held<M>>>;

    /// Writes them by one statement; how many were written.
    #[doc(hidden)]
    fn __write_union(
        &mut self,
        kind: Kind,
        rows: &[Row<'_, M>],
        row: &'static str,
    ) -> QueryResult<usize>;
}

/// A record that is held: its place in the batch, its key as the row has it, and its version.
#[doc(hidden)]
pub(super) type Held<M> = (usize, <M as Versioned>::Key, <M as Versioned>::Version);

/// What is done with each record.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Save,
    Delete,
}

/// How a batch is sent: so many records at once.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Form {
    Singly,
    Arrays(usize),
    /// And what introduces each of them in its list.
    Union(usize, &'static str),
}

impl<C, M> StoreBatch<M> for C
where
    C: Store<M>,
    M: VersionedOn<C::Backend>,
    i32: Bind<Integer, C::Backend> + Read<Integer, C::Backend>,
{
    fn __form(&self) -> Form {
        match backend::dialect(self).batch {
            Batch::Arrays { rows } if C::Backend::HAS_ARRAYS && !M::HAS_ARRAYS => {
                Form::Arrays(rows)
            }
            Batch::Union { rows, binds, row } => {
                Form::Union(rows.min(binds / union::binds::<M, C::Backend>()).max(1), row)
            }
            Batch::Singly | Batch::Arrays { .. } => Form::Singly,
        }
    }

    fn __write_arrays(
        &mut self,
        kind: Kind,
        models: &[&M],
        next: &[&M::Version],
    ) -> QueryResult<Vec<usize>> {
        match kind {
            Kind::Save => places::<C>(self.load(UpdateArrays::<M, C::Backend>::new(models, next))?),
            Kind::Delete => places::<C>(self.load(DeleteArrays::<M, C::Backend>::new(models))?),
        }
    }

    fn __hold_all(&mut self, rows: &[Row<'_, M>], row: &'static str) -> QueryResult<Vec<Held<M>>> {
        let clause = backend::dialect(self).row_lock(RowLock::for_update());
        let held = self.load(HoldAll::new(rows, row, clause))?;
        held.map(|held| {
            let held = held?;
            let place = <i32 as Read<Integer, C::Backend>>::__read_row(&held.partial_row(0..1));
            let version = read(M::__read_version(&held.partial_row(1..2)))?;
            let key = read(M::__read_key(&held.partial_row(2..2 + M::KEY_COLUMNS)))?;
            Ok((usize::try_from(read(place)?).unwrap_or(usize::MAX), key, version))
        })
        .collect()
    }

    fn __write_union(
        &mut self,
        kind: Kind,
        rows: &[Row<'_, M>],
        row: &'static str,
    ) -> QueryResult<usize> {
        match kind {
            Kind::Save => self.execute_returning_count(&UpdateUnion::new(rows, row)),
            Kind::Delete => self.execute_returning_count(&DeleteUnion::new(rows, row)),
        }
    }
}

/// Counted from 0, where the statement counts from 1.
fn places<C>(rows: C::Cursor<'_, '_>) -> QueryResult<Vec<usize>>
where
    C: LoadConnection,
    i32: Read<Integer, C::Backend>,
{
    rows.map(|row| {
        let place = read(<i32 as Read<Integer, C::Backend>>::__read_row(&row?))?;
        Ok(usize::try_from(place - 1).unwrap_or(usize::MAX))
    })
    .collect()
}
