//! A database server that lives as long as its guard, in a private folder and on a free port.
//!
//! It is started from what is installed, listens on 127.0.0.1, lets everybody in, and trusts no disk: good for tests only. When the
//! guard is dropped, the server is stopped and the folder removed. Should the task die without
//! dropping it (Ctrl-C, `kill -9`), the folder's janitor does the same.

pub mod program;
#[cfg(unix)]
mod server;
#[cfg(not(unix))]
#[path = "absent.rs"]
mod server;

pub use self::server::{Mariadb, Postgres, Product, Server};

/// What is asked for, or the sentence that a person reads instead.
pub type Outcome<T> = Result<T, String>;
