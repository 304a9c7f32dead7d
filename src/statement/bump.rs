//! The change of a version beside other changes, in an update of Diesel's.

use std::fmt;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::query_source::Column;

use crate::model::Versioned;

/// `version = version + 1`, as a part of what [`diesel::update`] sets: what
/// [`bump_version`](crate::VersionedDsl::bump_version) makes.
///
/// ```
/// # include!("../doctest_setup.rs");
/// use noclobber::operation::BumpVersion;
///
/// # fn main() -> diesel::QueryResult<()> {
/// # let conn = &mut documents_with_one_row();
/// let next: BumpVersion<Document> = Document::bump_version();
/// diesel::update(documents::table).set(next).execute(conn)?;
/// # Ok(())
/// # }
/// ```
#[must_use = "is set by an update of Diesel's"]
pub struct BumpVersion<M: Versioned> {
    column: M::VersionColumn,
}

impl<M: Versioned> BumpVersion<M> {
    pub(crate) fn new() -> Self {
        BumpVersion { column: M::VersionColumn::default() }
    }
}

impl<M: Versioned> fmt::Debug for BumpVersion<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BumpVersion").field(&M::TABLE).finish()
    }
}

impl<M: Versioned> Clone for BumpVersion<M> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<M: Versioned> AsChangeset for BumpVersion<M> {
    type Target = M::Table;
    type Changeset = Self;

    fn as_changeset(self) -> Self {
        self
    }
}

impl<M: Versioned> QueryId for BumpVersion<M> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, M> QueryFragment<DB> for BumpVersion<M>
where
    DB: Backend,
    M: Versioned<VersionColumn: QueryFragment<DB>>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_identifier(M::VersionColumn::NAME)?;
        out.push_sql(" = ");
        // With its table: in `ON CONFLICT … DO UPDATE` the name alone could be that of the new row.
        self.column.walk_ast(out.reborrow())?;
        // A trigger moves the version on by itself, at every update.
        if !M::BY_TRIGGER {
            out.push_sql(" + 1");
        }
        Ok(())
    }
}
