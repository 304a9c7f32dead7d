//! The C API of MySQL and MariaDB, as much as the floor needs.
//!
//! As in its siblings, the wrappers add nothing to a call but the look at its result code. An
//! `Update` cannot be run without binding all its parameters anew, so the library never reads one
//! that is gone.
//!
//! The connection is opened with Diesel's flag and character set, so that both ask the same of the
//! server.
#![expect(unsafe_code, reason = "the C API cannot be called without")]

use std::ffi::{CStr, CString, c_ulong};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};
use mysqlclient_sys as ffi;

use crate::Result;

/// Has a statement count the rows that it matched; the bindings lack the C library's macro.
const CLIENT_FOUND_ROWS: c_ulong = 2;

/// Where a server is, and as whom to connect.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    pub host: CString,
    pub port: u16,
    pub user: CString,
    pub password: CString,
}

pub struct Connection {
    raw: NonNull<ffi::MYSQL>,
}

impl Connection {
    /// Connects. The library must have been initialized, as by any connection of Diesel's, since it
    /// cannot initialize itself from two threads at once.
    pub fn open(address: &Address) -> Result<Self> {
        // SAFETY: null asks for a new structure.
        let raw = unsafe { ffi::mysql_init(ptr::null_mut()) };
        let raw = NonNull::new(raw).ok_or("the MySQL library had no memory for a connection")?;
        let connection = Self { raw };
        // SAFETY: the structure is not closed, and the option takes a string that ends with a zero
        // byte and is copied.
        unsafe {
            ffi::mysql_options(
                connection.raw.as_ptr(),
                ffi::mysql_option::MYSQL_SET_CHARSET_NAME,
                c"utf8mb4".as_ptr().cast(),
            )
        };
        // SAFETY: the structure is not closed, and each string ends with a zero byte or is null.
        let connected = unsafe {
            ffi::mysql_real_connect(
                connection.raw.as_ptr(),
                address.host.as_ptr(),
                address.user.as_ptr(),
                address.password.as_ptr(),
                ptr::null(),
                address.port.into(),
                ptr::null(),
                CLIENT_FOUND_ROWS,
            )
        };
        if connected.is_null() { Err(connection.failure()) } else { Ok(connection) }
    }

    /// Runs one statement that gives no rows.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let length = c_ulong::try_from(sql.len())?;
        // SAFETY: the connection is not closed, and the SQL has `length` bytes.
        let code = unsafe { ffi::mysql_real_query(self.raw.as_ptr(), sql.as_ptr().cast(), length) };
        if code == 0 { Ok(()) } else { Err(self.failure()) }
    }

    pub fn prepare(&self, sql: &str) -> Result<Update> {
        // SAFETY: the connection is not closed.
        let raw = unsafe { ffi::mysql_stmt_init(self.raw.as_ptr()) };
        let raw = NonNull::new(raw).ok_or_else(|| self.failure())?;
        let update = Update { raw };
        let length = c_ulong::try_from(sql.len())?;
        // SAFETY: the statement is not closed, and the SQL has `length` bytes.
        let code =
            unsafe { ffi::mysql_stmt_prepare(update.raw.as_ptr(), sql.as_ptr().cast(), length) };
        if code == 0 { Ok(update) } else { Err(update.failure()) }
    }

    #[cold]
    fn failure(&self) -> Box<dyn std::error::Error> {
        // SAFETY: the connection is not closed.
        let message = unsafe { ffi::mysql_error(self.raw.as_ptr()) };
        // SAFETY: the library's message ends with a zero byte and stays until the next call.
        failed(unsafe { CStr::from_ptr(message) })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: nobody else closes the connection. A statement that outlives it is told so, and
        // fails when it is run.
        unsafe { ffi::mysql_close(self.raw.as_ptr()) };
    }
}

/// A timestamp as it is bound.
pub struct Timestamp(ffi::MYSQL_TIME);

impl Timestamp {
    pub fn new(timestamp: NaiveDateTime) -> Result<Self> {
        // SAFETY: a structure of numbers, for which, and for whose kinds, zero is a valid value.
        let mut time = unsafe { MaybeUninit::<ffi::MYSQL_TIME>::zeroed().assume_init() };
        time.year = u32::try_from(timestamp.year())?;
        time.month = timestamp.month();
        time.day = timestamp.day();
        time.hour = timestamp.hour();
        time.minute = timestamp.minute();
        time.second = timestamp.second();
        time.second_part = c_ulong::from(timestamp.nanosecond() / 1_000);
        time.time_type = ffi::enum_mysql_timestamp_type::MYSQL_TIMESTAMP_DATETIME;
        Ok(Self(time))
    }
}

/// A value of a statement.
pub enum Parameter<'a> {
    Text(&'a str),
    Integer(i64),
    Double(f64),
    Timestamp(&'a Timestamp),
}

impl Parameter<'_> {
    /// Points to the value, which is read and never written.
    fn bind(&self) -> ffi::MYSQL_BIND {
        use ffi::enum_field_types::{
            MYSQL_TYPE_DATETIME, MYSQL_TYPE_DOUBLE, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_STRING,
        };

        // SAFETY: a structure of numbers and pointers, for which zero and null are valid values.
        let mut bind = unsafe { MaybeUninit::<ffi::MYSQL_BIND>::zeroed().assume_init() };
        (bind.buffer_type, bind.buffer) = match self {
            Self::Text(text) => (MYSQL_TYPE_STRING, text.as_ptr().cast_mut().cast()),
            Self::Integer(value) => (MYSQL_TYPE_LONGLONG, ptr::from_ref(value).cast_mut().cast()),
            Self::Double(value) => (MYSQL_TYPE_DOUBLE, ptr::from_ref(value).cast_mut().cast()),
            Self::Timestamp(time) => {
                (MYSQL_TYPE_DATETIME, ptr::from_ref(&time.0).cast_mut().cast())
            }
        };
        if let Self::Text(text) = self {
            // The others have the length of their type. No text here is as long as four gigabytes.
            bind.buffer_length = text.len() as c_ulong;
        }
        bind
    }
}

/// The guarded write.
pub struct Update {
    raw: NonNull<ffi::MYSQL_STMT>,
}

impl Update {
    /// Writes the row and answers how many rows were matched.
    pub fn run<const N: usize>(&mut self, parameters: &[Parameter<'_>; N]) -> Result<u64> {
        // SAFETY: the statement is not closed.
        let wanted = unsafe { ffi::mysql_stmt_param_count(self.raw.as_ptr()) };
        if usize::try_from(wanted) != Ok(N) {
            return Err(format!("{N} values were given for {wanted} parameters").into());
        }
        let mut binds = parameters.each_ref().map(Parameter::bind);
        // SAFETY: there are as many binds as the statement has parameters; they are copied, and what
        // they point to is alive until this function returns, after which it is not read again.
        let refused = unsafe { ffi::mysql_stmt_bind_param(self.raw.as_ptr(), binds.as_mut_ptr()) };
        if refused != ffi::FALSE {
            return Err(self.failure());
        }
        // SAFETY: all parameters have just been bound.
        let code = unsafe { ffi::mysql_stmt_execute(self.raw.as_ptr()) };
        if code != 0 {
            return Err(self.failure());
        }
        // SAFETY: the statement is not closed.
        Ok(unsafe { ffi::mysql_stmt_affected_rows(self.raw.as_ptr()) })
    }

    #[cold]
    fn failure(&self) -> Box<dyn std::error::Error> {
        // SAFETY: the statement is not closed.
        let message = unsafe { ffi::mysql_stmt_error(self.raw.as_ptr()) };
        // SAFETY: the library's message ends with a zero byte and stays until the next call.
        failed(unsafe { CStr::from_ptr(message) })
    }
}

impl Drop for Update {
    fn drop(&mut self) {
        // SAFETY: nobody else closes the statement; it may have outlived its connection.
        unsafe { ffi::mysql_stmt_close(self.raw.as_ptr()) };
    }
}

fn failed(message: &CStr) -> Box<dyn std::error::Error> {
    format!("the MySQL library failed: {}", message.to_string_lossy()).into()
}
