//! All rows at once: by `save_all`, by a `save` for each, and by hand.
//!
//! Each in one transaction, since that is what all of them promise: all is written, or nothing.

use noclobber::operation::StoreBatch;
use noclobber::prelude::*;

use super::exactly_one;
use super::hand_written::{self, HandWritten};
use super::noclobber_save::Document;
use super::through_diesel::Way;
use crate::Result;
use crate::workload::ROWS;

/// One call.
pub struct SaveAll;

impl<C: StoreBatch<Document>> Way<C> for SaveAll {
    type InHand = Vec<Document>;

    fn begin(connection: &mut C) -> Result<Self::InHand> {
        (1..=ROWS).map(|id| Ok(Document::find(id, connection)?)).collect()
    }

    fn work(documents: Self::InHand, connection: &mut C) -> Result<Self::InHand> {
        let documents = documents.into_iter().map(Document::retitled);
        Ok(Document::save_all(documents, connection)?)
    }
}

/// A call for each.
pub struct OneByOne;

impl<C: StoreBatch<Document>> Way<C> for OneByOne {
    type InHand = Vec<Document>;

    fn begin(connection: &mut C) -> Result<Self::InHand> {
        SaveAll::begin(connection)
    }

    fn work(documents: Self::InHand, connection: &mut C) -> Result<Self::InHand> {
        Ok(noclobber::transaction(connection, |connection| {
            documents
                .into_iter()
                .map(|document| document.retitled().save(connection))
                .collect::<noclobber::Result<_>>()
        })?)
    }
}

/// As Diesel's guide has it, for each.
pub struct HandWrittenOneByOne;

impl<C: HandWritten> Way<C> for HandWrittenOneByOne {
    type InHand = Vec<hand_written::Document>;

    fn begin(connection: &mut C) -> Result<Self::InHand> {
        (1..=ROWS).map(|id| Ok(connection.load(id)?)).collect()
    }

    fn work(documents: Self::InHand, connection: &mut C) -> Result<Self::InHand> {
        connection.transaction(|connection| {
            let save = |document: hand_written::Document| {
                let expected = document.version;
                let document = document.retitled();
                exactly_one(connection.update(&document, expected)?)?;
                Ok(document)
            };
            documents.into_iter().map(save).collect()
        })
    }
}
