//! The protocol of the leases, in every order in which its steps can come.
//!
//! A model of what clients and database do, without SQL and without code of the library: clients
//! that are paused, expire, are robbed, do not hear the answer and ask again, beside a clock and a
//! purge. `stateright` walks every history within bounds and holds each state against what the
//! protocol promises. Then it does the same with one guard left out, and has to find the history
//! that the guard is there for.
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

use stateright::{Checker, HasDiscoveries, Model};

use crate::guards::Guards;
use crate::properties::{
    COUNTED, EXCLUSIVE, OVER, OWN, PROMISES, REGAINED, REPEATED, RESPECTED, RISING, SEEN,
};
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

/// Leaves out a guard, and finds a history that breaks the promise. What needs no lost answer is
/// found without one.
fn assert_breaks(promise: &'static str, lost_answers: u8, leave_out: fn(&mut Guards)) {
    let mut guards = Guards::ALL;
    leave_out(&mut guards);
    let bounds = Bounds { lost_answers, ..bounds::CLIENTS_THAT_RETURN };
    let checker = Protocol { guards, bounds }
        .checker()
        .finish_when(HasDiscoveries::AnyOf([promise].into()))
        .spawn_bfs()
        .join();
    checker.assert_any_discovery(promise);
}

#[test]
fn without_the_token_a_write_is_made_under_a_broken_lease() {
    assert_breaks(OVER, 0, |guards| guards.write_proves_the_token = false);
}

#[test]
fn without_the_fence_a_late_acquire_brings_an_old_lease_back() {
    assert_breaks(EXCLUSIVE, 1, |guards| guards.write_proves_the_fence = false);
}

#[test]
fn a_proof_that_does_not_hold_the_row_is_outrun_by_a_steal() {
    assert_breaks(EXCLUSIVE, 0, |guards| guards.proof_holds_the_row = false);
}

#[test]
fn without_the_version_a_save_without_a_lease_is_lost() {
    assert_breaks(COUNTED, 0, |guards| guards.write_compares_the_version = false);
}

#[test]
fn without_the_version_a_lease_is_regained_on_a_record_that_others_changed() {
    assert_breaks(REGAINED, 0, |guards| guards.regain_compares_the_version = false);
}

#[test]
fn an_acquire_that_does_not_wait_takes_a_living_lease() {
    assert_breaks(RESPECTED, 0, |guards| guards.acquire_waits_for_expiry = false);
}

#[test]
fn an_acquire_that_does_not_know_its_token_shuts_its_own_client_out() {
    assert_breaks(REPEATED, 1, |guards| guards.acquire_knows_its_token = false);
}

#[test]
fn a_creation_that_does_not_know_its_token_shuts_its_own_client_out() {
    assert_breaks(REPEATED, 1, |guards| guards.creation_knows_its_token = false);
}

#[test]
fn a_new_token_for_a_repeated_acquire_shuts_its_own_client_out() {
    assert_breaks(REPEATED, 1, |guards| guards.repeat_keeps_the_token = false);
}

#[test]
fn an_acquire_that_keeps_an_expired_fence_regains_without_a_look_at_the_record() {
    assert_breaks(REGAINED, 1, |guards| guards.repeat_regains_nothing = false);
}

#[test]
fn a_floor_that_is_read_before_a_purge_gives_a_fence_twice() {
    assert_breaks(RISING, 0, |guards| guards.creation_holds_the_floor = false);
}

#[test]
fn a_renewal_without_proof_prolongs_the_lease_of_another() {
    assert_breaks(OWN, 0, |guards| guards.renewal_proves_the_lease = false);
}

#[test]
fn a_release_without_proof_ends_the_lease_of_another() {
    assert_breaks(OWN, 0, |guards| guards.release_proves_the_lease = false);
}

#[test]
fn a_release_that_leaves_no_tombstone_gives_a_fence_twice() {
    assert_breaks(RISING, 0, |guards| guards.release_keeps_the_fence = false);
}

#[test]
fn an_override_that_compares_no_fence_ousts_somebody_unseen() {
    assert_breaks(SEEN, 0, |guards| guards.override_compares_the_fence = false);
}

#[test]
fn a_purge_that_leaves_the_floor_gives_a_fence_twice() {
    assert_breaks(RISING, 0, |guards| guards.purge_raises_the_floor = false);
}

#[test]
fn a_purge_that_does_not_hold_the_row_removes_a_later_fence() {
    assert_breaks(RISING, 0, |guards| guards.purge_holds_the_row = false);
}
