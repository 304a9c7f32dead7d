//! The guards of the protocol, each with a switch.
//!
//! A guard that can be left out without a counterexample is either superfluous or not tested. So the
//! model can leave out each, and `main.rs` names the property that fails without it.

/// What the protocol checks and keeps; all of it, unless a test leaves something out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guards {
    /// A guarded write asks whether the token of the lease is still that of the holder.
    pub(crate) write_proves_the_token: bool,
    /// A guarded write asks whether the fence is still that of the holder. A token alone can come
    /// back: an acquire that arrives late brings it along, above the fences of others.
    pub(crate) write_proves_the_fence: bool,
    /// The proof of a guarded write holds the row of the lock until the write is committed.
    pub(crate) proof_holds_the_row: bool,
    /// A guarded write replaces no version but the one that it was made from.
    pub(crate) write_compares_the_version: bool,
    /// An expired lease is regained only if the record has the version that its holder knows.
    pub(crate) regain_compares_the_version: bool,
    /// Acquire takes what is free or expired, and leaves what is held.
    pub(crate) acquire_waits_for_expiry: bool,
    /// Acquire, asked once more by the token that holds the lease, answers with the same fence.
    pub(crate) acquire_knows_its_token: bool,
    /// So does its second statement, when the row that it was to create is there: an earlier attempt
    /// of the same acquire can have created it.
    pub(crate) creation_knows_its_token: bool,
    /// An acquire that is repeated after the lease expired gets a new fence, as everybody does.
    pub(crate) repeat_regains_nothing: bool,
    /// Who does not know whether an acquire was served asks again with the same token.
    pub(crate) repeat_keeps_the_token: bool,
    /// The floor is read and the new row written as one: no purge comes between.
    pub(crate) creation_holds_the_floor: bool,
    /// A renewal asks whether token and fence are those of the holder.
    pub(crate) renewal_proves_the_lease: bool,
    /// A release asks whether token and fence are those of the holder.
    pub(crate) release_proves_the_lease: bool,
    /// A release leaves a tombstone, which keeps the fence.
    pub(crate) release_keeps_the_fence: bool,
    /// Break and steal oust nobody but the holder that was seen.
    pub(crate) override_compares_the_fence: bool,
    /// A purge raises the floor to the fence of what it removes.
    pub(crate) purge_raises_the_floor: bool,
    /// A purge holds the row from the look at its fence to its removal.
    pub(crate) purge_holds_the_row: bool,
}

impl Guards {
    /// The protocol as it is meant.
    pub(crate) const ALL: Self = Self {
        write_proves_the_token: true,
        write_proves_the_fence: true,
        proof_holds_the_row: true,
        write_compares_the_version: true,
        regain_compares_the_version: true,
        acquire_waits_for_expiry: true,
        acquire_knows_its_token: true,
        creation_knows_its_token: true,
        repeat_regains_nothing: true,
        repeat_keeps_the_token: true,
        creation_holds_the_floor: true,
        renewal_proves_the_lease: true,
        release_proves_the_lease: true,
        release_keeps_the_fence: true,
        override_compares_the_fence: true,
        purge_raises_the_floor: true,
        purge_holds_the_row: true,
    };
}
