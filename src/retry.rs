//! Again: a whole transaction, as long as that may help and the policy allows it.

mod attempts;
mod policy;
mod retryable;
mod source;

pub(crate) use self::attempts::{Failed, System, attempts};
pub use self::policy::{Nested, Policy};
pub use self::retryable::{Retry, Retryable, retryable_in};
pub use self::source::Source;
use crate::backend::SupportedConnection;
use crate::error::{Error, Result};
use crate::transaction::{depth, transaction};

/// Runs `work` in a [`transaction`], and again from its beginning when the database could not
/// serve it.
///
/// Again on what says [`Retry::Restart`], which is [`Error::Unavailable`]; and on a conflict only
/// when the policy says [`on_conflict`](Policy::on_conflict), for work that loads what it changes.
/// A version that came from outside conflicts for ever. (On SQLite a transaction is alone from its
/// beginning, so work that loads what it changes has no conflicts there.)
///
/// `source` is a pool or a connection (`&pool`, or `&mut *conn`). A pool gets its connection back
/// while this waits. Between attempts it waits a random time below a bound that doubles ("full
/// jitter"), so that those who collided do not collide again. `work` may run several times: side
/// effects belong after the call.
///
/// # Errors
///
/// The error of the last attempt, which carries the number of attempts
/// (see [`Retryable::set_attempts`]); [`Error::InTransaction`] when a transaction is open already.
///
/// ```
/// # include!("doctest_setup.rs");
/// # fn main() -> noclobber::Result<()> {
/// # let conn = &mut documents_with_one_row();
/// use noclobber::retry::{Policy, retry};
///
/// let policy = Policy::default().on_conflict();
/// retry(&mut *conn, &policy, |conn| {
///     let document = Document::find(1, conn)?;
///     Document { title: "Again and again".into(), ..document }.save(conn)
/// })?;
/// # Ok(())
/// # }
/// ```
///
/// An error type of your own says by [`Retryable`] what it asks for. For one that you cannot
/// implement it for (`anyhow::Error`, `Box<dyn Error>`), there is [`retry_when`].
pub fn retry<S, R, E>(
    source: S,
    policy: &Policy,
    mut work: impl FnMut(&mut S::Conn) -> Result<R, E>,
) -> Result<R, E>
where
    S: Source<Conn: SupportedConnection>,
    E: From<Error> + Retryable,
{
    let attempt = |conn: &mut S::Conn| once(conn, policy, &mut work, E::retry);
    attempts(source, policy, &mut System::default(), attempt).map_err(|given_up| {
        let mut error = given_up.error;
        error.set_attempts(given_up.attempts);
        error
    })
}

/// [`retry`] for errors that do not implement [`Retryable`]: `when` says which of them to try
/// again on.
///
/// The bounds of the policy hold here as well; [`Policy::on_conflict`] has no effect, since `when`
/// decides. A pool that has no connection to give is asked again whatever `when` says. The number of
/// attempts is not noted in the error.
///
/// # Errors
///
/// The error of the last attempt; [`Error::InTransaction`] when a transaction is open already.
///
/// ```
/// # include!("doctest_setup.rs");
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let conn = &mut documents_with_one_row();
/// use noclobber::retry::{Policy, Retry, retry_when, retryable_in};
///
/// type Anything = Box<dyn std::error::Error + Send + Sync>;
///
/// let busy = |error: &Anything| retryable_in(&**error) == Retry::Restart;
/// let title = retry_when(&mut *conn, &Policy::default(), busy, |conn| {
///     Ok::<_, Anything>(Document::find(1, conn)?.title)
/// })?;
/// assert_eq!(title, "Draft");
/// # Ok(())
/// # }
/// ```
pub fn retry_when<S, R, E>(
    source: S,
    policy: &Policy,
    when: impl Fn(&E) -> bool,
    mut work: impl FnMut(&mut S::Conn) -> Result<R, E>,
) -> Result<R, E>
where
    S: Source<Conn: SupportedConnection>,
    E: From<Error>,
{
    let asks = |error: &E| if when(error) { Retry::Restart } else { Retry::Never };
    let attempt = |conn: &mut S::Conn| once(conn, policy, &mut work, asks);
    attempts(source, policy, &mut System::default(), attempt).map_err(|given_up| given_up.error)
}

/// One attempt. Inside a transaction of the caller's there is none, or just this one.
fn once<C, R, E>(
    conn: &mut C,
    policy: &Policy,
    work: &mut impl FnMut(&mut C) -> Result<R, E>,
    asks: impl Fn(&E) -> Retry,
) -> Result<R, Failed<E>>
where
    C: SupportedConnection,
    E: From<Error>,
{
    let inside = is_inside(conn, policy).map_err(|error| Failed::last(error.into()))?;
    transaction(conn, work).map_err(|error| {
        let retry = if inside { Retry::Never } else { asks(&error) };
        Failed { error, retry }
    })
}

/// Whether a transaction is open on the connection; an error when the policy refuses that.
pub(crate) fn is_inside<C: SupportedConnection>(conn: &mut C, policy: &Policy) -> Result<bool> {
    match (depth(conn)?, policy.nested) {
        (0, _) => Ok(false),
        (_, Nested::RunOnce) => Ok(true),
        (_, Nested::Refuse) => Err(Error::InTransaction),
    }
}
