//! libpq, PostgreSQL's C API, as much as the floor needs.
//!
//! As in its siblings, the wrappers add nothing to a call but the look at its result. Parameters are
//! sent in their binary form, as Diesel sends them, so that both ask the same of the server.
#![expect(unsafe_code, reason = "the C API cannot be called without")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{self, NonNull};

use pq_sys as ffi;

use crate::Result;

/// What `PQexecPrepared` calls binary.
const BINARY: c_int = 1;

pub struct Connection {
    raw: NonNull<ffi::PGconn>,
}

impl Connection {
    pub fn open(url: &str) -> Result<Self> {
        let url = CString::new(url)?;
        // SAFETY: the URL ends with a zero byte.
        let raw = unsafe { ffi::PQconnectdb(url.as_ptr()) };
        let raw = NonNull::new(raw).ok_or("libpq had no memory for a connection")?;
        // Made before the status is looked at: a connection that failed to open is closed as well.
        let connection = Self { raw };
        // SAFETY: the connection is not closed.
        let status = unsafe { ffi::PQstatus(connection.raw.as_ptr()) };
        if status == ffi::ConnStatusType::CONNECTION_OK {
            Ok(connection)
        } else {
            Err(connection.failure())
        }
    }

    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        let sql = CString::new(sql)?;
        // SAFETY: the connection is not closed, and the SQL ends with a zero byte.
        let answer = unsafe { ffi::PQexec(self.raw.as_ptr(), sql.as_ptr()) };
        self.answer(answer).map(drop)
    }

    /// Prepares a statement, whose parameters get the types of their columns.
    pub fn prepare(&self, name: &CStr, sql: &str) -> Result<()> {
        let sql = CString::new(sql)?;
        // SAFETY: the connection is not closed, both strings end with a zero byte, and none of the no
        // types is read.
        let answer = unsafe {
            ffi::PQprepare(self.raw.as_ptr(), name.as_ptr(), sql.as_ptr(), 0, ptr::null())
        };
        self.answer(answer).map(drop)
    }

    /// Runs a prepared statement and answers how many rows were changed.
    pub fn execute_prepared<const N: usize>(
        &self,
        name: &CStr,
        parameters: [&[u8]; N],
    ) -> Result<u64> {
        let mut lengths = [0; N];
        for (length, parameter) in lengths.iter_mut().zip(parameters) {
            *length = c_int::try_from(parameter.len())?;
        }
        let values = parameters.map(|parameter| parameter.as_ptr().cast::<c_char>());
        let formats = [BINARY; N];
        // SAFETY: the connection is not closed, the name ends with a zero byte, and each array has as
        // many elements as is said; of each value, as many bytes are read as its length says.
        let answer = unsafe {
            ffi::PQexecPrepared(
                self.raw.as_ptr(),
                name.as_ptr(),
                c_int::try_from(N)?,
                values.as_ptr(),
                lengths.as_ptr(),
                formats.as_ptr(),
                BINARY,
            )
        };
        self.answer(answer)?.changed()
    }

    #[inline]
    fn answer(&self, raw: *mut ffi::PGresult) -> Result<Answer> {
        let answer = Answer { raw: NonNull::new(raw).ok_or_else(|| self.failure())? };
        // SAFETY: the answer is not cleared.
        let status = unsafe { ffi::PQresultStatus(answer.raw.as_ptr()) };
        if status == ffi::ExecStatusType::PGRES_COMMAND_OK {
            Ok(answer)
        } else {
            Err(self.failure())
        }
    }

    #[cold]
    fn failure(&self) -> Box<dyn std::error::Error> {
        // SAFETY: the connection is not closed.
        let message = unsafe { ffi::PQerrorMessage(self.raw.as_ptr()) };
        // SAFETY: libpq's message ends with a zero byte and stays until the next call.
        let message = unsafe { CStr::from_ptr(message) };
        format!("libpq failed: {}", message.to_string_lossy().trim()).into()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: nobody else closes the connection.
        unsafe { ffi::PQfinish(self.raw.as_ptr()) };
    }
}

/// The answer to a statement that gives no rows.
struct Answer {
    raw: NonNull<ffi::PGresult>,
}

impl Answer {
    fn changed(&self) -> Result<u64> {
        // SAFETY: the answer is not cleared.
        let count = unsafe { ffi::PQcmdTuples(self.raw.as_ptr()) };
        // SAFETY: libpq's text ends with a zero byte and stays until the answer is cleared.
        let count = unsafe { CStr::from_ptr(count) };
        Ok(count.to_str()?.parse()?)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: nobody else clears the answer.
        unsafe { ffi::PQclear(self.raw.as_ptr()) };
    }
}
