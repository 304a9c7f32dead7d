//! noclobber's leases: taken and given back, renewed, and proven by a save.

use std::time::Duration;

use diesel_migrations::MigrationHarness;
use noclobber::Lease;
use noclobber::lock::StoreLocked;
use noclobber::prelude::*;

use super::noclobber_save::{Alone, Document};
use super::through_diesel::Way;
use crate::Result;
use crate::workload::OWNER;

/// No measurement takes as long.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A connection through which leases on documents can be taken.
pub trait Leasing: StoreLocked<Document> + MigrationHarness<Self::Backend> {}

impl<C: StoreLocked<Document> + MigrationHarness<C::Backend>> Leasing for C {}

/// The document, once there are tables for leases.
fn begin<C: Leasing>(connection: &mut C) -> Result<Document> {
    noclobber::migrations::run(connection).map_err(|error| error.to_string())?;
    <Alone as Way<C>>::begin(connection)
}

fn begin_with_lease<C: Leasing>(connection: &mut C) -> Result<(Document, Lease)> {
    let document = begin(connection)?;
    let lease = document.lock().owner(OWNER).ttl(DAY).acquire(connection)?;
    Ok((document, lease))
}

/// Each save proves the lease.
pub struct Guarded;

impl<C: Leasing> Way<C> for Guarded {
    type InHand = (Document, Lease);

    fn begin(connection: &mut C) -> Result<Self::InHand> {
        begin_with_lease(connection)
    }

    fn work((document, lease): Self::InHand, connection: &mut C) -> Result<Self::InHand> {
        Ok((document.retitled().save_locked(&lease, connection)?, lease))
    }
}

/// The same lease is renewed.
pub struct Renewal;

impl<C: Leasing> Way<C> for Renewal {
    type InHand = Lease;

    fn begin(connection: &mut C) -> Result<Lease> {
        Ok(begin_with_lease(connection)?.1)
    }

    fn work(mut lease: Lease, connection: &mut C) -> Result<Lease> {
        lease.renew(connection)?;
        Ok(lease)
    }
}

/// A lease is taken and given back, always on the same document: its row is there after the first
/// time, as for every record that was locked before.
pub struct Grant;

impl<C: Leasing> Way<C> for Grant {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        begin(connection)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        document.lock().owner(OWNER).acquire(connection)?.release(connection)?;
        Ok(document)
    }
}
