//! Somebody who sees everything, and says what each step was.
//!
//! The onlooker compares the tables before and after a request is served, and remembers what the
//! protocol itself does not: the latest grant, and what became of it. No part of the protocol reads
//! any of that. What it says of the last step is what the properties speak of.

use crate::database::{Answer, Database, Fence, Lease, Request};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Onlooker {
    /// The latest grant, whatever became of it.
    pub(crate) latest: Option<Lease>,
    /// The fence of the latest grant to another token than that.
    rival: Fence,
    /// Whether the latest grant was released, or broken.
    is_over: bool,
    /// Whether a save without a lease has changed the record since the holder knew it.
    is_changed: bool,
    /// How many writes took effect, acknowledged or not.
    pub(crate) writes: u8,
    /// The last step.
    pub(crate) event: Event,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// Nothing that a property speaks of.
    Quiet,
    Granted {
        origin: Origin,
        /// Whether the fence is higher than that of the grant before, and so of all before.
        is_rising: bool,
        is_late: bool,
    },
    /// An acquire is answered with the grant of the attempt that it repeats.
    Repeated {
        regain: Option<Regain>,
    },
    /// An acquire is refused because of the grant of the attempt that it repeats.
    ShutOut,
    /// A lease is ended by somebody else.
    Broken {
        is_as_seen: bool,
    },
    Released {
        is_own: bool,
    },
    Renewed {
        is_own: bool,
    },
    Written {
        by: Writer,
        regain: Option<Regain>,
        is_late: bool,
    },
    WriteRefused {
        by: Writer,
    },
}

/// A request that the database has served.
#[derive(Clone, Copy)]
pub(crate) struct Served<'a> {
    pub(crate) before: &'a Database,
    pub(crate) request: Request,
    /// Whether the client has given up waiting for the answer.
    pub(crate) is_late: bool,
    pub(crate) answer: Answer,
    pub(crate) after: &'a Database,
}

/// What a grant takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    Nothing,
    /// A row that a purge has removed.
    Purged,
    Tombstone,
    Expired {
        is_own: bool,
    },
    /// A lease that had not expired, and was taken all the same.
    Living,
    /// A steal takes the lease from a holder; whether from the one that was seen.
    Stolen {
        is_as_seen: bool,
    },
}

/// The record, when a lease that had expired comes back to life with its fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Regain {
    AsKnown,
    Changed,
}

/// Who attempts a guarded write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Writer {
    Holder,
    /// The lease was released or broken, and nobody has it now.
    Former,
    /// Somebody else was granted the lease since.
    Ousted,
}

impl Onlooker {
    pub(crate) fn new() -> Self {
        Self {
            latest: None,
            rival: 0,
            is_over: false,
            is_changed: false,
            writes: 0,
            event: Event::Quiet,
        }
    }

    pub(crate) fn sees_nothing_of_note(&mut self) {
        self.event = Event::Quiet;
    }

    pub(crate) fn sees_a_save_without_a_lease(&mut self) {
        self.event = Event::Quiet;
        self.is_changed = true;
        self.writes += 1;
    }

    pub(crate) fn sees(&mut self, served: Served<'_>) {
        let held = holder(served.before);
        let holds = holder(served.after);
        self.event = match (served.request, held, holds) {
            // Half of an operation: its second statement will tell.
            _ if matches!(served.answer, Answer::Next(_)) => Event::Quiet,
            (_, _, Some(lease)) if held != holds => self.grant(lease, served),
            (Request::Take { first, .. } | Request::Create { first, .. }, Some(lease), _)
                if lease.token == first =>
            {
                self.repetition(served)
            }
            (Request::Break { seen }, Some(ended), None) => {
                self.is_over = true;
                Event::Broken { is_as_seen: ended.fence == seen }
            }
            (Request::Release(lease), Some(ended), None) => {
                self.is_over = true;
                Event::Released { is_own: ended == lease }
            }
            (Request::Renew(lease), Some(prolonged), _) if served.answer == Answer::Renewed => {
                Event::Renewed { is_own: prolonged == lease }
            }
            (Request::Write { lease, .. }, _, _) => self.write(lease, served),
            _ => Event::Quiet,
        };
    }

    fn grant(&mut self, lease: Lease, served: Served<'_>) -> Event {
        let is_rising = self.latest.is_none_or(|latest| lease.fence > latest.fence);
        if let Some(latest) = self.latest
            && latest.token != lease.token
        {
            self.rival = latest.fence;
        }
        self.latest = Some(lease);
        self.is_over = false;
        self.is_changed = false;
        Event::Granted { origin: origin(lease, served), is_rising, is_late: served.is_late }
    }

    fn repetition(&self, served: Served<'_>) -> Event {
        match served.answer {
            Answer::Granted(_) => Event::Repeated { regain: self.regain(served) },
            Answer::Refused if is_living(served.before) => Event::ShutOut,
            _ => Event::Quiet,
        }
    }

    fn write(&mut self, lease: Lease, served: Served<'_>) -> Event {
        let by = match self.latest {
            Some(latest) if latest.token != lease.token => Writer::Ousted,
            _ if lease.fence < self.rival => Writer::Ousted,
            _ if self.is_over => Writer::Former,
            _ => Writer::Holder,
        };
        if served.after.record == served.before.record {
            return Event::WriteRefused { by };
        }
        let regain = self.regain(served);
        self.is_changed = false;
        self.writes += 1;
        Event::Written { by, regain, is_late: served.is_late }
    }

    fn regain(&self, served: Served<'_>) -> Option<Regain> {
        let was_expired = served.before.lock.is_some_and(|lock| lock.left == 0);
        was_expired.then_some(if self.is_changed { Regain::Changed } else { Regain::AsKnown })
    }
}

fn holder(database: &Database) -> Option<Lease> {
    database.lock.and_then(|lock| lock.holder())
}

fn is_living(database: &Database) -> bool {
    database.lock.is_some_and(|lock| lock.is_living())
}

fn origin(lease: Lease, served: Served<'_>) -> Origin {
    let Some(lock) = served.before.lock else {
        return if served.before.floor == 0 { Origin::Nothing } else { Origin::Purged };
    };
    match (served.request, lock.token) {
        (Request::Steal { seen, .. }, _) => Origin::Stolen { is_as_seen: seen == lock.fence },
        (_, None) => Origin::Tombstone,
        _ if lock.is_living() => Origin::Living,
        (_, Some(token)) => Origin::Expired { is_own: token.client == lease.token.client },
    }
}
