//! The protocol of the leases, in every order in which its steps can come.
//!
//! A model of what clients and database do, without SQL and without code of the library: clients
//! that are paused, expire, are robbed, do not hear the answer and ask again, beside a clock and a
//! purge. `stateright` walks every history within bounds and holds each state against what the
//! protocol promises.
//!
//! To read it as a description of the protocol: `database` has the transactions, `client` what a
//! client believes, `guards` what is checked and why, `properties` what is promised. `onlooker`
//! judges each step, and `world` is all of it at one moment.

mod client;
mod database;
mod guards;
mod onlooker;
mod properties;
mod world;

use stateright::{Checker, Model};

use crate::guards::Guards;
use crate::properties::PROMISES;
use crate::world::{Bounds, Protocol};

/// What is walked in full, some hundred thousand states each. Each has more of one thing than the
/// others; all of it at once would be many millions.
mod bounds {
    use super::Bounds;

    pub(crate) const A_LOST_ANSWER: Bounds =
        Bounds { clients: 2, fence: 3, version: 3, tokens: 1, lost_answers: 1 };
    pub(crate) const TWO_LOST_ANSWERS: Bounds =
        Bounds { clients: 2, fence: 2, version: 2, tokens: 1, lost_answers: 2 };
    pub(crate) const THREE_CLIENTS: Bounds =
        Bounds { clients: 3, fence: 3, version: 2, tokens: 1, lost_answers: 0 };
    pub(crate) const CLIENTS_THAT_RETURN: Bounds =
        Bounds { clients: 2, fence: 4, version: 3, tokens: 2, lost_answers: 0 };
}

#[test]
fn with_a_lost_answer_all_is_kept_and_everything_happens() {
    Protocol { guards: Guards::ALL, bounds: bounds::A_LOST_ANSWER }
        .checker()
        .spawn_bfs()
        .join()
        .assert_properties();
}

#[test]
fn with_two_lost_answers_all_is_kept() {
    assert_all_is_kept(bounds::TWO_LOST_ANSWERS);
}

#[test]
fn among_three_clients_all_is_kept() {
    assert_all_is_kept(bounds::THREE_CLIENTS);
}

#[test]
fn by_clients_that_return_all_is_kept() {
    assert_all_is_kept(bounds::CLIENTS_THAT_RETURN);
}

fn assert_all_is_kept(bounds: Bounds) {
    let checker = Protocol { guards: Guards::ALL, bounds }.checker().spawn_bfs().join();
    for promise in PROMISES {
        checker.assert_no_discovery(promise);
    }
}
