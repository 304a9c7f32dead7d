//! What many write: look at the version, write, read the row back. Three statements where one does.
//!
//! `first` is how one loads a row by its key. Diesel caches the statement, but SQLite prepares it
//! anew each time its LIMIT is bound, which makes up most of what is measured there.

use super::exactly_one;
use super::hand_written::{Alone, Document, HandWritten};
use super::through_diesel::Way;
use crate::Result;

pub struct CheckThenAct;

impl<C: HandWritten> Way<C> for CheckThenAct {
    type InHand = Document;

    fn begin(connection: &mut C) -> Result<Document> {
        Alone::begin(connection)
    }

    fn work(document: Document, connection: &mut C) -> Result<Document> {
        let expected = document.version;
        let document = document.retitled();
        connection.transaction(|connection| {
            let current = connection.load(document.id)?;
            if current.version != expected {
                return Err(format!("the row is at version {}", current.version).into());
            }
            exactly_one(connection.update(&document, expected)?)?;
            Ok(connection.load(document.id)?)
        })
    }
}
