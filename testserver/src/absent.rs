//! In place of throw-away servers where there is no Unix to run them: none is ever found.

use crate::Outcome;

pub trait Product {
    const NAME: &'static str;
}

#[derive(Debug)]
pub struct Postgres;

impl Postgres {
    pub fn find() -> Option<Self> {
        None
    }
}

impl Product for Postgres {
    const NAME: &'static str = "PostgreSQL";
}

#[derive(Debug)]
pub struct Mariadb;

impl Mariadb {
    pub fn find() -> Option<Self> {
        None
    }
}

impl Product for Mariadb {
    const NAME: &'static str = "MariaDB";
}

/// Cannot exist.
#[derive(Debug)]
pub enum Server {}

impl Server {
    pub fn start<P: Product>(_product: &P) -> Outcome<Self> {
        Err(format!("{} is started on Unix only; name a running server.", P::NAME))
    }

    pub fn url(&self) -> &str {
        match *self {}
    }

    pub fn crash<P: Product>(&mut self, _product: &P) -> Outcome<()> {
        match *self {}
    }

    pub fn start_again<P: Product>(&mut self, _product: &P) -> Outcome<()> {
        match *self {}
    }
}
