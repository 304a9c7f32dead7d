//! Where threads of a test wait for each other, but not for one that has failed.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// For all to arrive, on a machine that has other things to do.
const LONG: Duration = Duration::from_secs(60);

/// Like [`std::sync::Barrier`], but that whoever waits in vain panics: the test fails instead of
/// hanging.
pub(crate) struct Barrier {
    threads: usize,
    state: Mutex<State>,
    all_are_here: Condvar,
}

#[derive(Default)]
struct State {
    here: usize,
    round: usize,
}

impl Barrier {
    pub(crate) fn new(threads: usize) -> Self {
        Barrier { threads, state: Mutex::default(), all_are_here: Condvar::new() }
    }

    /// Waits for the others. Answers one of them with true.
    pub(crate) fn wait(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        state.here += 1;
        if state.here == self.threads {
            *state = State { here: 0, round: state.round + 1 };
            self.all_are_here.notify_all();
            return true;
        }
        let round = state.round;
        let (_state, waited) = self
            .all_are_here
            .wait_timeout_while(state, LONG, |state| state.round == round)
            .unwrap();
        assert!(!waited.timed_out(), "a thread of the test did not come");
        false
    }
}
