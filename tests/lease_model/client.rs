//! A client: what it believes, and what it may ask for.
//!
//! A belief is right at the moment of the answer and may be wrong ever after: the client may be
//! paused, its clock may stand still, and it still takes itself for the holder. So no clock is asked
//! here. A client that believes in its lease may always attempt a write, and the database refuses.

use crate::database::{Answer, Lease, Record, Request, Token};
use crate::guards::Guards;

/// It may be paused at any point, for any time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client {
    name: u8,
    pub(crate) tokens_made: u8,
    pub(crate) program: Program,
    /// The record as a holder last saw it.
    copy: Option<Record>,
    /// A request that the client has given up waiting for. It may be served yet, soon or late, and
    /// nobody hears the answer; or it never arrives.
    pub(crate) late: Option<Request>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Program {
    Idle,
    Waiting(Request),
    /// Waited in vain for the answer to an acquire or a steal with this token.
    Unsure(Token),
    /// Takes itself for the holder.
    Holding(Lease),
}

impl Client {
    pub(crate) fn new(name: u8) -> Self {
        Self { name, tokens_made: 0, program: Program::Idle, copy: None, late: None }
    }

    /// What the client may ask for next. `held` is what a look at the lock would show it.
    pub(crate) fn wishes(&self, held: Option<Lease>, guards: Guards) -> Vec<Request> {
        match self.program {
            Program::Idle => self.ways_to_a_lease(held),
            Program::Waiting(_) => Vec::new(),
            Program::Unsure(first) => {
                // A steal is repeated by an acquire, too: if it was served, the fence that the client
                // saw is there no more, and a second steal would be refused.
                let token = if guards.repeat_keeps_the_token { first } else { self.new_token() };
                vec![Request::Take { token, first }]
            }
            Program::Holding(lease) => {
                let write = self.copy.map(|copy| Request::Write { lease, copy, is_proven: false });
                [Request::Renew(lease), Request::Release(lease)].into_iter().chain(write).collect()
            }
        }
    }

    fn ways_to_a_lease(&self, held: Option<Lease>) -> Vec<Request> {
        let token = self.new_token();
        let mut ways = vec![Request::Take { token, first: token }];
        if let Some(Lease { fence: seen, token: theirs }) = held
            && theirs.client != self.name
        {
            ways.extend([Request::Steal { token, seen }, Request::Break { seen }]);
        }
        ways
    }

    fn new_token(&self) -> Token {
        Token { client: self.name, serial: self.tokens_made + 1 }
    }

    pub(crate) fn send(&mut self, request: Request) {
        if let Request::Take { token, .. } | Request::Steal { token, .. } = request {
            self.tokens_made = token.serial;
        }
        self.program = Program::Waiting(request);
    }

    /// Stops to wait, and goes on without the answer.
    pub(crate) fn give_up(&mut self, request: Request) {
        self.late = Some(request);
        match request {
            Request::Take { token, .. }
            | Request::Create { token, .. }
            | Request::Steal { token, .. } => self.program = Program::Unsure(token),
            // The write may have been made. If so, its repetition replaces a version that is gone.
            Request::Write { lease, .. } | Request::Renew(lease) => {
                self.program = Program::Holding(lease);
            }
            Request::Release(_) | Request::Break { .. } => self.forget(),
        }
    }

    /// The answer to a request, and the record for a holder who has to look at it.
    pub(crate) fn hear(&mut self, request: Request, answer: Answer, record: Record) {
        match (request, answer) {
            (_, Answer::Next(next)) => self.program = Program::Waiting(next),
            (_, Answer::Granted(lease))
            | (Request::Write { lease, .. }, Answer::Written | Answer::Stale) => {
                self.program = Program::Holding(lease);
                self.load(record);
            }
            (Request::Renew(lease), Answer::Renewed) => self.program = Program::Holding(lease),
            _ => self.forget(),
        }
    }

    pub(crate) fn can_load(&self, record: Record) -> bool {
        matches!(self.program, Program::Holding(_)) && self.copy != Some(record)
    }

    pub(crate) fn load(&mut self, record: Record) {
        self.copy = Some(record);
    }

    fn forget(&mut self) {
        self.program = Program::Idle;
        self.copy = None;
    }
}
