//! The loop: attempt, judge, wait, again.

use std::time::{Duration, Instant};

use backon::BackoffBuilder;

use super::{Policy, Retry, Retryable, Source};
use crate::error::{Error, Result};

/// An attempt that failed.
pub(crate) struct Failed<E> {
    pub(crate) error: E,
    /// What the error asks for.
    pub(crate) retry: Retry,
}

impl<E> Failed<E> {
    /// A failure after which there is no other attempt.
    pub(crate) fn last(error: E) -> Self {
        Failed { error, retry: Retry::Never }
    }
}

/// The failure that ended it, and how many attempts there were.
#[derive(Debug)]
pub(crate) struct GivenUp<E> {
    pub(crate) error: E,
    pub(crate) attempts: u32,
}

/// Time and chance, so that a test can do without either.
pub(crate) trait Surroundings {
    /// The time since the first attempt began.
    fn elapsed(&self) -> Duration;
    /// A random number from 0 up to, not including, 1.
    fn random(&mut self) -> f64;
    fn sleep(&mut self, pause: Duration);
}

/// The system's clock, randomness, and sleep.
pub(crate) struct System {
    started: Instant,
}

impl Default for System {
    fn default() -> Self {
        System { started: Instant::now() }
    }
}

impl Surroundings for System {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn random(&mut self) -> f64 {
        fastrand::f64()
    }

    fn sleep(&mut self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

/// Attempts until one succeeds, or its failure does not ask for another, or the policy ends it.
pub(crate) fn attempts<S, R, E>(
    mut source: S,
    policy: &Policy,
    surroundings: &mut impl Surroundings,
    mut attempt: impl FnMut(&mut S::Conn) -> Result<R, Failed<E>>,
) -> Result<R, GivenUp<E>>
where
    S: Source,
    E: From<Error>,
{
    let mut bounds = policy.pause_bounds().build();
    let mut attempts = 1;
    loop {
        let Failed { error, retry } = match source.with(&mut attempt) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failed)) => failed,
            // No connection: when others may give theirs back, ask again.
            Err(error) => Failed { retry: error.retry(), error: error.into() },
        };
        let wanted = match retry {
            Retry::Never => false,
            Retry::OnConflict => policy.on_conflict,
            Retry::Restart => true,
        };
        let left = policy.deadline.saturating_sub(surroundings.elapsed());
        if !wanted || attempts >= policy.attempts || left.is_zero() {
            return Err(GivenUp { error, attempts });
        }
        let pause = bounds.next().unwrap_or_default().mul_f64(surroundings.random());
        surroundings.sleep(pause.min(left));
        attempts += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Reason, Unavailable};

    /// Half of every bound, and a clock that only sleeping moves.
    #[derive(Default)]
    struct Scripted {
        slept: Vec<Duration>,
    }

    impl Surroundings for Scripted {
        fn elapsed(&self) -> Duration {
            self.slept.iter().sum()
        }
        fn random(&mut self) -> f64 {
            0.5
        }
        fn sleep(&mut self, pause: Duration) {
            self.slept.push(pause);
        }
    }

    /// A source whose connection nobody uses.
    struct NoConnection;

    impl Source for NoConnection {
        type Conn = diesel::SqliteConnection;
        fn with<R>(&mut self, work: impl FnOnce(&mut Self::Conn) -> R) -> Result<R> {
            use diesel::Connection;
            Ok(work(&mut diesel::SqliteConnection::establish(":memory:").unwrap()))
        }
    }

    fn failing(policy: &Policy, retry: Retry) -> (u32, Vec<Duration>) {
        let mut scripted = Scripted::default();
        let given_up = attempts(NoConnection, policy, &mut scripted, |_| {
            Err::<(), _>(Failed { error: Error::InTransaction, retry })
        })
        .unwrap_err();
        (given_up.attempts, scripted.slept)
    }

    fn milliseconds(pauses: &[u64]) -> Vec<Duration> {
        pauses.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn the_bound_of_the_pauses_doubles_up_to_the_longest() {
        let policy = Policy::default()
            .attempts(6)
            .pauses(Duration::from_millis(4), Duration::from_millis(16));
        let (attempts, slept) = failing(&policy, Retry::Restart);
        assert_eq!(attempts, 6);
        assert_eq!(slept, milliseconds(&[2, 4, 8, 8, 8]));
    }

    #[test]
    fn no_attempt_begins_after_the_deadline() {
        let policy = Policy::default()
            .attempts(100)
            .deadline(Duration::from_millis(20))
            .pauses(Duration::from_millis(10), Duration::from_millis(10));
        let (attempts, slept) = failing(&policy, Retry::Restart);
        assert_eq!(attempts, 5);
        assert_eq!(slept, milliseconds(&[5, 5, 5, 5]));
    }

    #[test]
    fn the_last_pause_is_cut_to_what_is_left() {
        let policy = Policy::default()
            .attempts(100)
            .deadline(Duration::from_millis(20))
            .pauses(Duration::from_millis(16), Duration::from_millis(16));
        assert_eq!(failing(&policy, Retry::Restart), (4, milliseconds(&[8, 8, 4])));
        assert_eq!(failing(&policy.deadline(Duration::ZERO), Retry::Restart).0, 1);
    }

    #[test]
    fn what_asks_for_nothing_gets_one_attempt() {
        assert_eq!(failing(&Policy::default(), Retry::Never), (1, vec![]));
    }

    #[test]
    fn a_conflict_is_tried_again_only_when_the_policy_says_so() {
        let policy = Policy::default().attempts(3);
        assert_eq!(failing(&policy, Retry::OnConflict).0, 1);
        assert_eq!(failing(&policy.on_conflict(), Retry::OnConflict).0, 3);
    }

    #[test]
    fn no_attempts_are_taken_for_one() {
        assert_eq!(failing(&Policy::default().attempts(0), Retry::Restart).0, 1);
    }

    #[test]
    fn the_system_sleeps_and_its_clock_goes_on() {
        let mut system = System::default();
        system.sleep(Duration::from_millis(5));
        assert!(system.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn the_pause_is_anything_below_its_bound() {
        let mut system = System::default();
        let drawn: Vec<f64> = (0..1000).map(|_| system.random()).collect();
        assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(drawn.iter().any(|number| *number < 0.1));
        assert!(drawn.iter().any(|number| *number > 0.9));
    }

    #[test]
    fn a_source_with_another_error_is_not_asked_again() {
        struct Broken(u32);
        impl Source for &mut Broken {
            type Conn = diesel::SqliteConnection;
            fn with<R>(&mut self, _: impl FnOnce(&mut Self::Conn) -> R) -> Result<R> {
                self.0 += 1;
                Err(Error::NotInTransaction)
            }
        }
        let mut source = Broken(0);
        let answer = attempts(&mut source, &Policy::default(), &mut Scripted::default(), |_| {
            Ok::<_, Failed<Error>>(())
        });
        assert!(matches!(answer.unwrap_err().error, Error::NotInTransaction));
        assert_eq!(source.0, 1);
    }

    #[test]
    fn the_defaults_are_as_documented() {
        let (attempts, slept) = failing(&Policy::default(), Retry::Restart);
        assert_eq!(attempts, 16);
        assert_eq!(slept[..3], milliseconds(&[2, 4, 8]));
        assert_eq!(slept[14], Duration::from_millis(250));
        let slow = Policy::default().pauses(Duration::from_secs(4), Duration::from_secs(4));
        assert_eq!(failing(&slow, Retry::Restart).1, milliseconds(&[2000; 5]));
    }

    #[test]
    fn the_first_pause_is_no_longer_than_the_longest() {
        let policy =
            Policy::default().attempts(3).pauses(Duration::from_secs(9), Duration::from_millis(8));
        assert_eq!(failing(&policy, Retry::Restart).1, milliseconds(&[4, 4]));
    }

    #[test]
    fn a_pool_without_a_connection_is_asked_again() {
        struct Exhausted(u32);
        impl Source for &mut Exhausted {
            type Conn = diesel::SqliteConnection;
            fn with<R>(&mut self, work: impl FnOnce(&mut Self::Conn) -> R) -> Result<R> {
                self.0 += 1;
                if self.0 < 3 {
                    return Err(Error::Unavailable(Unavailable::new(
                        Reason::PoolExhausted,
                        "timed out waiting for connection",
                    )));
                }
                NoConnection.with(work)
            }
        }
        let mut source = Exhausted(0);
        let answer = attempts(&mut source, &Policy::default(), &mut Scripted::default(), |_| {
            Ok::<_, Failed<Error>>(())
        });
        assert!(answer.is_ok());
        assert_eq!(source.0, 3);
    }
}
