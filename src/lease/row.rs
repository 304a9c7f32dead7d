//! A lease as its row tells it, and what can be concluded from that. No connection and no clock: the
//! row brings along the database's present.

use super::Holder;
use super::info::{EventKind, LockEvent, LockInfo, milliseconds, time};

/// A row of the table of leases. Times are milliseconds since 1970.
#[derive(Clone)]
pub struct LeaseRow {
    pub(crate) entity: String,
    pub(crate) record: String,
    pub(crate) fence: i64,
    pub(crate) token: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) acquired_at: Option<i64>,
    pub(crate) renewed_at: Option<i64>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) deadline_at: Option<i64>,
    pub(crate) renewals: i64,
    pub(crate) version: Option<String>,
    /// When the database read it.
    pub(crate) now: i64,
}

/// Without the token and the session, which are the holder's own.
impl std::fmt::Debug for LeaseRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseRow")
            .field("entity", &self.entity)
            .field("record", &self.record)
            .field("fence", &self.fence)
            .field("owner", &self.owner)
            .field("expires_at", &self.expires_at)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What stands in the way of a lease, or does not.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nobody holds it; whoever held it last is done, or has let it expire.
    Free { fence: i64, expired: Option<String> },
    /// The one who asks holds it already, by the same token: an answer was lost. (Not one that has
    /// expired: to regain it is for a write, which compares the version.)
    Mine { fence: i64 },
    /// Somebody else holds it.
    Held(LockInfo),
}

impl LeaseRow {
    /// How long the lease lasts from the database's present on; none if it is over.
    pub(crate) fn lasts(&self) -> Option<i64> {
        let expires_at = self.token.as_ref().and(self.expires_at)?;
        Some(expires_at.saturating_sub(self.now)).filter(|left| *left > 0)
    }

    /// Whether the one who has this token is still the holder, be the lease expired or not.
    pub(crate) fn belongs_to(&self, fence: i64, token: &str) -> bool {
        self.fence == fence && self.token.as_deref() == Some(token)
    }

    pub(crate) fn standing(self, asks: &Holder, token: &str) -> Standing {
        let fence = self.fence;
        let lasts = self.lasts().is_some();
        if lasts && self.token.as_deref() == Some(token) {
            Standing::Mine { fence }
        } else if lasts {
            Standing::Held(self.info_for(Some(asks)))
        } else {
            Standing::Free { fence, expired: self.owner }
        }
    }

    /// How long the lease lasts from the database's present on.
    pub(crate) fn expires_in(&self) -> std::time::Duration {
        self.lasts().map_or(std::time::Duration::ZERO, milliseconds)
    }

    /// The lease as anybody may see it; what is somebody's own is told to him alone.
    pub(crate) fn info_for(self, asks: Option<&Holder>) -> LockInfo {
        let own_other_session = asks.is_some_and(|asks| {
            self.owner.as_deref() == Some(&*asks.owner) && self.session != asks.session
        });
        LockInfo::new(self, own_other_session)
    }
}

/// A row of the history.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub(crate) fence: i64,
    pub(crate) event: String,
    pub(crate) actor: String,
    pub(crate) holder: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) at: i64,
    pub(crate) renewals: i64,
}

impl EventRow {
    /// None for an event that a later version of this library has written.
    pub(crate) fn event(self) -> Option<LockEvent> {
        Some(LockEvent {
            fence: self.fence,
            kind: EventKind::of(&self.event)?,
            actor: self.actor,
            holder: self.holder,
            reason: self.reason,
            at: time(self.at),
            renewals: u64::try_from(self.renewals).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(token: Option<&str>, expires_at: i64) -> LeaseRow {
        LeaseRow {
            entity: "documents".into(),
            record: "7".into(),
            fence: 3,
            token: token.map(str::to_owned),
            owner: token.map(|_| "ann".to_owned()),
            session: token.map(|_| "one".to_owned()),
            note: None,
            acquired_at: Some(0),
            renewed_at: None,
            expires_at: Some(expires_at),
            deadline_at: None,
            renewals: 0,
            version: None,
            now: 1000,
        }
    }

    fn holder(owner: &str, session: &str) -> Holder {
        Holder { owner: owner.into(), session: Some(session.into()) }
    }

    #[test]
    fn a_lease_lasts_until_it_expires_and_not_a_moment_longer() {
        assert_eq!(row(Some("t"), 1001).lasts(), Some(1));
        assert_eq!(row(Some("t"), 1000).lasts(), None);
        assert_eq!(row(None, 2000).lasts(), None);
        // Whatever was written there by hand.
        assert_eq!(row(Some("t"), i64::MIN).lasts(), None);
        assert_eq!(row(Some("t"), i64::MAX).lasts(), Some(i64::MAX - 1000));
    }

    #[test]
    fn the_same_token_is_the_same_holder_and_the_same_owner_is_not() {
        let ann = holder("ann", "one");
        assert!(matches!(row(Some("t"), 2000).standing(&ann, "t"), Standing::Mine { fence: 3 }));
        let expired = row(Some("t"), 1000).standing(&ann, "t");
        assert!(matches!(expired, Standing::Free { fence: 3, expired: Some(_) }));
        let held = |asks: &Holder| match row(Some("t"), 2000).standing(asks, "other") {
            Standing::Held(info) => info.is_own_other_session(),
            standing => panic!("{standing:?}"),
        };
        assert!(held(&holder("ann", "two")));
        assert!(!held(&holder("bob", "two")));
    }

    #[test]
    fn what_has_expired_is_free_and_tells_whose_it_was() {
        let bob = holder("bob", "two");
        match row(Some("t"), 1000).standing(&bob, "other") {
            Standing::Free { fence: 3, expired: Some(owner) } => assert_eq!(owner, "ann"),
            standing => panic!("{standing:?}"),
        }
        let free = row(None, 1000).standing(&bob, "other");
        assert!(matches!(free, Standing::Free { fence: 3, expired: None }));
    }
}
