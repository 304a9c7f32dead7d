//! SQLite's C API, as much as the floor needs.
//!
//! This module and its two siblings for the servers hold the only `unsafe` code of the project.
//!
//! The wrappers add nothing to a call but the look at its result code, as a C programmer writes it.
//! `Command` and `Update` are two types so that parameters can be bound without a copy: an `Update`
//! cannot be run without binding all its parameters anew, so SQLite never reads one that is gone.
//!
//! The connection is opened with Diesel's flags, so that both work in the same threading mode.
#![expect(unsafe_code, reason = "the C API cannot be called without")]

use std::ffi::{CStr, CString, c_int};
use std::ptr::{self, NonNull};

use libsqlite3_sys as ffi;

use crate::Result;

pub struct Connection {
    raw: NonNull<ffi::sqlite3>,
}

impl Connection {
    pub fn open(url: &str) -> Result<Self> {
        let url = CString::new(url)?;
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_URI;
        let mut raw = ptr::null_mut();
        // SAFETY: both strings end with a zero byte or are null, and `raw` outlives the call.
        let code = unsafe { ffi::sqlite3_open_v2(url.as_ptr(), &mut raw, flags, ptr::null()) };
        let Some(raw) = NonNull::new(raw) else {
            return Err("SQLite had no memory for a connection".into());
        };
        // Made before the code is looked at: a connection that failed to open is closed as well.
        let connection = Self { raw };
        check(connection.raw, code)?;
        Ok(connection)
    }

    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        let sql = CString::new(sql)?;
        // SAFETY: the connection is open, the SQL ends with a zero byte; no callback, no message.
        let code = unsafe {
            ffi::sqlite3_exec(
                self.raw.as_ptr(),
                sql.as_ptr(),
                None,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(self.raw, code)
    }

    /// Prepares a statement without parameters.
    pub fn prepare_command(&self, sql: &str) -> Result<Command> {
        Statement::prepare(self, sql).map(Command)
    }

    /// Prepares the guarded write.
    pub fn prepare_update(&self, sql: &str) -> Result<Update> {
        Statement::prepare(self, sql).map(Update)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: nobody else closes the connection. SQLite refuses while a statement is left, so
        // that a statement that outlives the connection keeps it open (and leaks it), and never
        // points to one that is gone.
        unsafe { ffi::sqlite3_close(self.raw.as_ptr()) };
    }
}

/// A statement without parameters.
pub struct Command(Statement);

impl Command {
    pub fn run(&mut self) -> Result<()> {
        self.0.run()
    }
}

/// The guarded write with its nine parameters.
pub struct Update(Statement);

/// The values of one guarded write.
pub struct Values<'a> {
    pub title: &'a str,
    pub body: Option<&'a str>,
    pub author: &'a str,
    pub views: i64,
    pub price: f64,
    pub updated_at: &'a str,
    pub next_version: i64,
    pub id: i64,
    pub version: i64,
}

impl Update {
    /// Writes the row and answers how many rows were changed.
    pub fn run(&mut self, values: &Values<'_>) -> Result<c_int> {
        let statement = &mut self.0;
        statement.bind_text(1, Some(values.title))?;
        statement.bind_text(2, values.body)?;
        statement.bind_text(3, Some(values.author))?;
        statement.bind_i64(4, values.views)?;
        statement.bind_f64(5, values.price)?;
        statement.bind_text(6, Some(values.updated_at))?;
        statement.bind_i64(7, values.next_version)?;
        statement.bind_i64(8, values.id)?;
        statement.bind_i64(9, values.version)?;
        statement.run()?;
        // SAFETY: a connection that still has a statement is open, see its `drop`.
        Ok(unsafe { ffi::sqlite3_changes(statement.connection.as_ptr()) })
    }
}

/// What `Command` and `Update` have in common; private, because a bound text must not be gone when
/// `run` is called.
struct Statement {
    raw: NonNull<ffi::sqlite3_stmt>,
    connection: NonNull<ffi::sqlite3>,
}

impl Statement {
    fn prepare(connection: &Connection, sql: &str) -> Result<Self> {
        let sql = CString::new(sql)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the connection is open; −1 lets SQLite read up to the zero byte; `raw` outlives
        // the call.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                connection.raw.as_ptr(),
                sql.as_ptr(),
                -1,
                ffi::SQLITE_PREPARE_PERSISTENT as _,
                &mut raw,
                ptr::null_mut(),
            )
        };
        check(connection.raw, code)?;
        let raw = NonNull::new(raw).ok_or("the SQL holds no statement")?;
        Ok(Self { raw, connection: connection.raw })
    }

    fn bind_text(&mut self, position: c_int, value: Option<&str>) -> Result<()> {
        let code = match value {
            Some(text) => {
                let length = c_int::try_from(text.len())?;
                let text = text.as_ptr().cast();
                // SAFETY: the statement is not running, `text` has `length` bytes, and it is
                // neither freed nor changed before `run` returns, after which it is not read again.
                unsafe {
                    ffi::sqlite3_bind_text(
                        self.raw.as_ptr(),
                        position,
                        text,
                        length,
                        ffi::SQLITE_STATIC(),
                    )
                }
            }
            // SAFETY: the statement is not running.
            None => unsafe { ffi::sqlite3_bind_null(self.raw.as_ptr(), position) },
        };
        check(self.connection, code)
    }

    fn bind_i64(&mut self, position: c_int, value: i64) -> Result<()> {
        // SAFETY: the statement is not running.
        let code = unsafe { ffi::sqlite3_bind_int64(self.raw.as_ptr(), position, value) };
        check(self.connection, code)
    }

    fn bind_f64(&mut self, position: c_int, value: f64) -> Result<()> {
        // SAFETY: the statement is not running.
        let code = unsafe { ffi::sqlite3_bind_double(self.raw.as_ptr(), position, value) };
        check(self.connection, code)
    }

    fn run(&mut self) -> Result<()> {
        // SAFETY: every text bound to the statement is alive, see `Update::run`.
        let step = unsafe { ffi::sqlite3_step(self.raw.as_ptr()) };
        let stepped = match step {
            ffi::SQLITE_DONE => Ok(()),
            ffi::SQLITE_ROW => Err("a statement gave rows where none were expected".into()),
            code => check(self.connection, code),
        };
        // SAFETY: the statement is not finalized. The code repeats that of a failed step.
        let code = unsafe { ffi::sqlite3_reset(self.raw.as_ptr()) };
        stepped.and_then(|()| check(self.connection, code))
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: nobody else finalizes the statement.
        unsafe { ffi::sqlite3_finalize(self.raw.as_ptr()) };
    }
}

#[inline]
fn check(connection: NonNull<ffi::sqlite3>, code: c_int) -> Result<()> {
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(failure(connection, code)) }
}

#[cold]
fn failure(connection: NonNull<ffi::sqlite3>, code: c_int) -> Box<dyn std::error::Error> {
    // SAFETY: the caller has the connection, or a statement that keeps it open.
    let message = unsafe { ffi::sqlite3_errmsg(connection.as_ptr()) };
    // SAFETY: SQLite's message ends with a zero byte and stays until the next call.
    let message = unsafe { CStr::from_ptr(message) };
    format!("SQLite failed with code {code}: {}", message.to_string_lossy()).into()
}
