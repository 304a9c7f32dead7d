//! What the protocol promises, and what has to happen in the model so that a promise kept is worth
//! something.

use stateright::Property;

use crate::onlooker::{Event, Origin, Regain, Writer};
use crate::world::{Protocol, World};

pub(crate) const EXCLUSIVE: &str = "between a grant and a write under it, nobody else is granted";
pub(crate) const OVER: &str = "nobody writes under a lease that was released or broken";
pub(crate) const RISING: &str = "a new grant has a higher fence than all before";
pub(crate) const REGAINED: &str =
    "an expired lease is regained only while the record is as its holder knows it";
pub(crate) const COUNTED: &str = "no write that took effect is lost";
pub(crate) const RESPECTED: &str = "a living lease is taken from its holder by a steal alone";
pub(crate) const SEEN: &str = "an override ousts the holder that was seen, and no other";
pub(crate) const OWN: &str = "a release or a renewal touches no lease but its own";
pub(crate) const REPEATED: &str = "an acquire is not refused because of its own first attempt";

pub(crate) const PROMISES: [&str; 9] =
    [EXCLUSIVE, OVER, RISING, REGAINED, COUNTED, RESPECTED, SEEN, OWN, REPEATED];

pub(crate) fn properties() -> Vec<Property<Protocol>> {
    promises().into_iter().chain(occurrences()).collect()
}

fn promises() -> [Property<Protocol>; 9] {
    [
        Property::always(EXCLUSIVE, |_, world| {
            !matches!(event(world), Event::Written { by: Writer::Ousted, .. })
        }),
        Property::always(OVER, |_, world| {
            !matches!(event(world), Event::Written { by: Writer::Former, .. })
        }),
        Property::always(RISING, |_, world| {
            !matches!(event(world), Event::Granted { is_rising: false, .. })
        }),
        Property::always(REGAINED, |_, world| {
            !matches!(
                event(world),
                Event::Written { regain: Some(Regain::Changed), .. }
                    | Event::Repeated { regain: Some(Regain::Changed) }
            )
        }),
        Property::always(COUNTED, |_, world: &World| {
            world.database.record.value == world.onlooker.writes
        }),
        Property::always(RESPECTED, |_, world| {
            !matches!(event(world), Event::Granted { origin: Origin::Living, .. })
        }),
        Property::always(SEEN, |_, world| {
            !matches!(
                event(world),
                Event::Broken { is_as_seen: false }
                    | Event::Granted { origin: Origin::Stolen { is_as_seen: false }, .. }
            )
        }),
        Property::always(OWN, |_, world| {
            !matches!(
                event(world),
                Event::Released { is_own: false } | Event::Renewed { is_own: false }
            )
        }),
        Property::always(REPEATED, |_, world: &World| event(world) != Event::ShutOut),
    ]
}

fn occurrences() -> [Property<Protocol>; 13] {
    [
        Property::sometimes("a tombstone is taken, and the fence goes on", |_, world| {
            matches!(event(world), Event::Granted { origin: Origin::Tombstone, .. })
        }),
        Property::sometimes("an expired lease is taken by somebody else", |_, world| {
            matches!(event(world), Event::Granted { origin: Origin::Expired { is_own: false }, .. })
        }),
        Property::sometimes("a lease is stolen", |_, world| {
            matches!(event(world), Event::Granted { origin: Origin::Stolen { .. }, .. })
        }),
        Property::sometimes("a lease is broken", |_, world| {
            matches!(event(world), Event::Broken { .. })
        }),
        Property::sometimes("a grant continues above the floor of a purge", |_, world| {
            matches!(event(world), Event::Granted { origin: Origin::Purged, .. })
        }),
        Property::sometimes("an expired lease is regained by a write", |_, world| {
            matches!(event(world), Event::Written { regain: Some(_), .. })
        }),
        Property::sometimes(
            "a repeated acquire gets the grant of its first attempt",
            |_, world| matches!(event(world), Event::Repeated { .. }),
        ),
        Property::sometimes("a late acquire is granted a lease nobody knows of", |_, world| {
            matches!(event(world), Event::Granted { is_late: true, .. })
                && world.has_the_latest_client_gone_on()
        }),
        Property::sometimes("a write takes effect, and its answer is lost", |_, world| {
            matches!(event(world), Event::Written { is_late: true, .. })
        }),
        Property::sometimes("a holder that was ousted is refused", |_, world| {
            event(world) == Event::WriteRefused { by: Writer::Ousted }
        }),
        Property::sometimes("a holder whose lease was broken is refused", |_, world| {
            event(world) == Event::WriteRefused { by: Writer::Former }
        }),
        Property::sometimes("a holder with a stale copy is refused", |_, world| {
            event(world) == Event::WriteRefused { by: Writer::Holder }
        }),
        Property::sometimes("a lease is prolonged", |_, world| {
            matches!(event(world), Event::Renewed { .. })
        }),
    ]
}

fn event(world: &World) -> Event {
    world.onlooker.event
}
