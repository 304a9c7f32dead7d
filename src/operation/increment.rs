//! `increment`: a relative UPDATE of one unguarded column.

use super::store::StoreIncrement;
use crate::backend;
use crate::error::{Error, Reason, Result, UnknownOutcome};
use crate::model::{Versioned, record};
use crate::transaction::is_alone;

pub(super) fn increment<M, Col, By, C>(
    key: &M::Key,
    _column: Col,
    by: &By,
    conn: &mut C,
) -> Result<()>
where
    M: Versioned,
    C: StoreIncrement<M, Col, By>,
{
    let alone = is_alone(conn);
    match conn.__increment(key, by) {
        Ok(1) => Ok(()),
        Ok(0) => Err(Error::NotFound(record::<M>(key))),
        Ok(rows) => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
        // It may have been added: whoever tries again may add it twice.
        Err(error) if alone && backend::reason(&error) == Some(Reason::ConnectionLost) => {
            Err(Error::UnknownOutcome(UnknownOutcome::of_unguarded(record::<M>(key), error)))
        }
        Err(error) => Err(error.into()),
    }
}
