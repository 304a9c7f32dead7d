//! `increment`: a relative UPDATE of one unguarded column.

use super::store::StoreIncrement;
use crate::error::{Error, Result};
use crate::model::{Versioned, record};

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
    match conn.__increment(key, by)? {
        1 => Ok(()),
        0 => Err(Error::NotFound(record::<M>(key))),
        rows => Err(Error::KeyNotUnique { record: record::<M>(key), rows }),
    }
}
