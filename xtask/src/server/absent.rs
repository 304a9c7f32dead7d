//! In place of throw-away servers where there is no Unix to run them: none is ever found.

use crate::Outcome;

pub(crate) trait Product {
    const NAME: &'static str;
}

#[derive(Debug)]
pub(crate) struct Postgres;

impl Postgres {
    pub(crate) fn find() -> Option<Self> {
        None
    }
}

impl Product for Postgres {
    const NAME: &'static str = "PostgreSQL";
}

#[derive(Debug)]
pub(crate) struct Mariadb;

impl Mariadb {
    pub(crate) fn find() -> Option<Self> {
        None
    }
}

impl Product for Mariadb {
    const NAME: &'static str = "MariaDB";
}

/// Cannot exist.
#[derive(Debug)]
pub(crate) enum Server {}

impl Server {
    pub(crate) fn start<P: Product>(_product: &P) -> Outcome<Self> {
        Err(format!("{} is started on Unix only; name a running server.", P::NAME))
    }

    pub(crate) fn url(&self) -> &str {
        match *self {}
    }
}
