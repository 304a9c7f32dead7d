//! The database: what it keeps of one record, and the transactions of the protocol.
//!
//! Each method is one transaction, and nothing comes between its lines. In life that is the work of
//! row locks; where the protocol has two statements that somebody can come between, there are two
//! methods.

use crate::guards::Guards;

/// Grows with every new holder, and never comes back.
pub(crate) type Fence = u8;

pub(crate) type Version = u8;

/// How long a new lease lasts. Two ticks, so that there is a living lease to be prolonged.
const TIME_TO_LIVE: u8 = 2;

/// Made by a client, before it asks. In life a random UUID; here nobody guesses either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) client: u8,
    pub(crate) serial: u8,
}

/// What a holder knows of its lease, and proves with every write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) token: Token,
    pub(crate) fence: Fence,
}

/// A row of `locks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lock {
    pub(crate) fence: Fence,
    /// None in a tombstone, which a release or a break leaves.
    pub(crate) token: Option<Token>,
    /// Ticks until the lease expires. The protocol keeps a time and compares it with the present;
    /// only the difference matters, and with it alone the model needs no end of time.
    pub(crate) left: u8,
    /// The record's version as the holder knows it: at the grant, then after each write of its own.
    pub(crate) known: Version,
}

impl Lock {
    pub(crate) fn holder(&self) -> Option<Lease> {
        self.token.map(|token| Lease { token, fence: self.fence })
    }

    pub(crate) fn is_living(&self) -> bool {
        self.token.is_some() && self.left > 0
    }

    fn end(&mut self) {
        self.token = None;
        self.left = 0;
    }
}

/// The record that the leases are on. Its value counts the writes: each adds one to what it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) version: Version,
    pub(crate) value: u8,
}

impl Record {
    fn next(self, copy: Record) -> Self {
        Self { version: self.version + 1, value: copy.value + 1 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) lock: Option<Lock>,
    /// The highest fence that a purge has removed.
    pub(crate) floor: Fence,
    pub(crate) record: Record,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    /// The first statement of an acquire: take the row, if there is one and nobody holds it.
    ///
    /// `first` is for the onlooker: the token of the attempt that this one repeats, or its own.
    Take {
        token: Token,
        first: Token,
    },
    /// The second: there was nothing to take, so create the row, above the floor. `floor` is for a
    /// creation that does not hold it: what a statement before this one has read.
    Create {
        token: Token,
        first: Token,
        floor: Option<Fence>,
    },
    Renew(Lease),
    Release(Lease),
    /// Put oneself in the place of the holder that was seen.
    Steal {
        token: Token,
        seen: Fence,
    },
    /// End the lease of the holder that was seen.
    Break {
        seen: Fence,
    },
    /// A guarded write of the value that follows from the copy. `is_proven` is for a proof that does
    /// not hold the row: a statement before this one has found the lease good.
    Write {
        lease: Lease,
        copy: Record,
        is_proven: bool,
    },
}

/// What the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Not an answer yet: the operation goes on with this.
    Next(Request),
    Granted(Lease),
    /// Somebody else holds the lease, or another one than was seen.
    Refused,
    Renewed,
    /// The lease is ended: released by its holder, or broken.
    Ended,
    Written,
    /// The lease is good, the copy is not.
    Stale,
    /// The lease is not the holder's any more.
    Lost,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { lock: None, floor: 0, record: Record { version: 1, value: 0 } }
    }

    pub(crate) fn tick(&mut self) {
        if let Some(lock) = &mut self.lock {
            lock.left = lock.left.saturating_sub(1);
        }
    }

    pub(crate) fn serve(&mut self, request: Request, guards: Guards) -> Answer {
        match request {
            Request::Take { token, first } => self.take(token, first, guards),
            Request::Create { token, first, floor } => self.create(token, first, floor, guards),
            Request::Renew(lease) => self.renew(lease, guards),
            Request::Release(lease) => self.release(lease, guards),
            Request::Steal { token, seen } => self.steal(token, seen, guards),
            Request::Break { seen } => self.end_by_force(seen, guards),
            Request::Write { lease, copy, is_proven } => self.write(lease, copy, is_proven, guards),
        }
    }

    fn take(&mut self, token: Token, first: Token, guards: Guards) -> Answer {
        match &mut self.lock {
            Some(lock) if is_granted_already(lock, token, guards) => {
                lock.left = TIME_TO_LIVE;
                Answer::Granted(Lease { token, fence: lock.fence })
            }
            Some(lock) if !(guards.acquire_waits_for_expiry && lock.is_living()) => {
                let fence = lock.fence + 1;
                self.grant(Lease { token, fence })
            }
            _ => Answer::Next(Request::Create { token, first, floor: None }),
        }
    }

    fn create(
        &mut self,
        token: Token,
        first: Token,
        floor: Option<Fence>,
        guards: Guards,
    ) -> Answer {
        if floor.is_none() && !guards.creation_holds_the_floor {
            return Answer::Next(Request::Create { token, first, floor: Some(self.floor) });
        }
        match self.lock {
            Some(lock)
                if guards.creation_knows_its_token && is_granted_already(&lock, token, guards) =>
            {
                Answer::Granted(Lease { token, fence: lock.fence })
            }
            Some(_) => Answer::Refused,
            None => self.grant(Lease { token, fence: floor.unwrap_or(self.floor) + 1 }),
        }
    }

    fn renew(&mut self, lease: Lease, guards: Guards) -> Answer {
        match &mut self.lock {
            Some(lock)
                if lock.is_living() && is_proven(lock, lease, guards.renewal_proves_the_lease) =>
            {
                lock.left = TIME_TO_LIVE;
                Answer::Renewed
            }
            _ => Answer::Lost,
        }
    }

    fn release(&mut self, lease: Lease, guards: Guards) -> Answer {
        match &mut self.lock {
            Some(lock) if is_proven(lock, lease, guards.release_proves_the_lease) => {
                if guards.release_keeps_the_fence {
                    lock.end();
                } else {
                    self.lock = None;
                }
                Answer::Ended
            }
            _ => Answer::Lost,
        }
    }

    fn steal(&mut self, token: Token, seen: Fence, guards: Guards) -> Answer {
        match self.lock {
            Some(lock) if is_as_seen(&lock, seen, guards) => {
                self.grant(Lease { token, fence: lock.fence + 1 })
            }
            _ => Answer::Refused,
        }
    }

    fn end_by_force(&mut self, seen: Fence, guards: Guards) -> Answer {
        match &mut self.lock {
            Some(lock) if is_as_seen(lock, seen, guards) => {
                lock.end();
                Answer::Ended
            }
            _ => Answer::Refused,
        }
    }

    /// Proof and write are one transaction, and the proof holds the row until its end.
    fn write(&mut self, lease: Lease, copy: Record, is_proven: bool, guards: Guards) -> Answer {
        if !is_proven && !self.is_lease_good(lease, guards) {
            return Answer::Lost;
        }
        if !is_proven && !guards.proof_holds_the_row {
            return Answer::Next(Request::Write { lease, copy, is_proven: true });
        }
        if copy.version != self.record.version && guards.write_compares_the_version {
            return Answer::Stale;
        }
        self.record = self.record.next(copy);
        if let Some(lock) = &mut self.lock {
            lock.known = self.record.version;
            if lock.left == 0 {
                lock.left = TIME_TO_LIVE;
            }
        }
        Answer::Written
    }

    /// Living, or expired and to be regained: nobody took it, and the record is as its holder knows
    /// it.
    fn is_lease_good(&self, lease: Lease, guards: Guards) -> bool {
        self.lock.is_some_and(|lock| {
            let is_as_known = lock.known == self.record.version;
            (lock.token == Some(lease.token) || !guards.write_proves_the_token)
                && (lock.fence == lease.fence || !guards.write_proves_the_fence)
                && (lock.left > 0 || is_as_known || !guards.regain_compares_the_version)
        })
    }

    /// A versioned save by somebody who asks for no lease; nothing keeps them from it.
    pub(crate) fn save_without_a_lease(&mut self) {
        self.record = self.record.next(self.record);
    }

    /// Removes a row that nobody needs: a tombstone, or a lease that expired.
    pub(crate) fn purge(&mut self, guards: Guards) {
        if guards.purge_raises_the_floor {
            self.raise_the_floor();
        }
        self.remove_the_row();
    }

    pub(crate) fn raise_the_floor(&mut self) {
        if let Some(lock) = self.lock {
            self.floor = self.floor.max(lock.fence);
        }
    }

    pub(crate) fn remove_the_row(&mut self) {
        self.lock = None;
    }

    pub(crate) fn has_what_to_purge(&self) -> bool {
        self.lock.is_some_and(|lock| !lock.is_living())
    }

    fn grant(&mut self, lease: Lease) -> Answer {
        self.lock = Some(Lock {
            fence: lease.fence,
            token: Some(lease.token),
            left: TIME_TO_LIVE,
            known: self.record.version,
        });
        Answer::Granted(lease)
    }
}

/// Whether an acquire repeats one that was served. Once the lease has expired, it is an acquire like
/// any other: a fence that came back here would come back without a look at the record's version.
fn is_granted_already(lock: &Lock, token: Token, guards: Guards) -> bool {
    lock.token == Some(token)
        && guards.acquire_knows_its_token
        && (lock.is_living() || !guards.repeat_regains_nothing)
}

fn is_proven(lock: &Lock, lease: Lease, guarded: bool) -> bool {
    lock.holder() == Some(lease) || !guarded
}

/// Whether the override ousts whom the person saw. There is nobody to oust in a tombstone.
fn is_as_seen(lock: &Lock, seen: Fence, guards: Guards) -> bool {
    lock.token.is_some() && (lock.fence == seen || !guards.override_compares_the_fence)
}
