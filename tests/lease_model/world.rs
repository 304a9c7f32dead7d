//! Everything there is at one moment, and what can happen next.

use stateright::{Model, Property};

use crate::client::{Client, Program};
use crate::database::{Answer, Database, Fence, Request, Version};
use crate::guards::Guards;
use crate::onlooker::{Onlooker, Served};
use crate::properties::properties;

/// The protocol, with the guards that it keeps.
#[derive(Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) guards: Guards,
    pub(crate) bounds: Bounds,
}

/// How far a history goes. Time needs no bound: the database keeps differences alone.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) clients: u8,
    /// The highest fence, which is how often the lease is granted.
    pub(crate) fence: Fence,
    /// The highest version, which is one more than there are writes.
    pub(crate) version: Version,
    /// How often each client sets out for a lease.
    pub(crate) tokens: u8,
    /// How often a client gives up waiting.
    pub(crate) lost_answers: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) database: Database,
    clients: Vec<Client>,
    /// Whether a purge that does not hold the row has raised the floor, and not yet removed the row.
    is_purging: bool,
    lost_answers: u8,
    pub(crate) onlooker: Onlooker,
}

/// Who is meant, by the place in `clients`.
type Name = usize;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Tick,
    Load(Name),
    Send(Name, Request),
    Serve(Name, Request),
    GiveUp(Name, Request),
    ServeLate(Name, Request),
    SaveWithoutALease,
    Purge,
    RaiseTheFloor,
    RemoveTheRow,
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            database: Database::new(),
            clients: (0..self.bounds.clients).map(Client::new).collect(),
            is_purging: false,
            lost_answers: 0,
            onlooker: Onlooker::new(),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.push(Step::SaveWithoutALease);
        if world.database.lock.is_some_and(|lock| lock.left > 0) {
            steps.push(Step::Tick);
        }
        steps.extend(self.steps_of_a_purge(world));
        for (name, client) in world.clients.iter().enumerate() {
            steps.extend(self.steps_of_a_client(world, name, client));
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.onlooker.sees_nothing_of_note();
        match step {
            Step::Tick => next.database.tick(),
            Step::Load(name) => next.clients[name].load(world.database.record),
            Step::Send(name, request) => next.clients[name].send(request),
            Step::Serve(name, request) => self.serve(&mut next, name, request),
            Step::GiveUp(name, request) => {
                next.clients[name].give_up(request);
                next.lost_answers += 1;
            }
            Step::ServeLate(name, request) => self.serve_late(&mut next, name, request),
            Step::SaveWithoutALease => {
                next.database.save_without_a_lease();
                next.onlooker.sees_a_save_without_a_lease();
            }
            Step::Purge => next.database.purge(self.guards),
            Step::RaiseTheFloor => {
                next.database.raise_the_floor();
                next.is_purging = true;
            }
            Step::RemoveTheRow => {
                next.database.remove_the_row();
                next.is_purging = false;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties()
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.onlooker.latest.is_none_or(|latest| latest.fence <= self.bounds.fence)
            && world.database.record.version <= self.bounds.version
            && world.clients.iter().all(|client| client.tokens_made <= self.bounds.tokens)
    }
}

impl World {
    /// Whether the client with the latest grant neither has it nor asks for it.
    pub(crate) fn has_the_latest_client_gone_on(&self) -> bool {
        self.onlooker.latest.is_some_and(|latest| {
            self.clients[usize::from(latest.token.client)].program == Program::Idle
        })
    }
}

impl Protocol {
    fn steps_of_a_purge(&self, world: &World) -> Option<Step> {
        if !world.database.has_what_to_purge() {
            None
        } else if self.guards.purge_holds_the_row {
            Some(Step::Purge)
        } else if world.is_purging {
            Some(Step::RemoveTheRow)
        } else {
            Some(Step::RaiseTheFloor)
        }
    }

    fn steps_of_a_client(&self, world: &World, name: Name, client: &Client) -> Vec<Step> {
        let held = world.database.lock.and_then(|lock| lock.holder());
        let sends = client.wishes(held, self.guards).into_iter().map(|it| Step::Send(name, it));
        let load = client.can_load(world.database.record).then_some(Step::Load(name));
        let late = client.late.map(|request| Step::ServeLate(name, request));
        let mut steps: Vec<Step> = sends.chain(load).chain(late).collect();
        if let Program::Waiting(request) = client.program {
            steps.push(Step::Serve(name, request));
            if client.late.is_none() && world.lost_answers < self.bounds.lost_answers {
                steps.push(Step::GiveUp(name, request));
            }
        }
        steps
    }

    fn serve(&self, world: &mut World, name: Name, request: Request) {
        let answer = self.answer(world, request, false);
        world.clients[name].hear(request, answer, world.database.record);
    }

    fn serve_late(&self, world: &mut World, name: Name, request: Request) {
        world.clients[name].late = match self.answer(world, request, true) {
            Answer::Next(next) => Some(next),
            _ => None,
        };
    }

    fn answer(&self, world: &mut World, request: Request, is_late: bool) -> Answer {
        let before = world.database.clone();
        let answer = world.database.serve(request, self.guards);
        let after = &world.database;
        world.onlooker.sees(Served { before: &before, request, is_late, answer, after });
        answer
    }
}
