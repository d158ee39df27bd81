//! What a worker asks of the database, beside its sends: each runs by itself and comes back with its answer.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    outlet::{Job, Lane, Outlet},
    room::Reserved,
};
use crate::{
    domain::EventId,
    store::{Claim, Held, Store, StoreError},
};

/// What came back.
pub(super) enum Answer {
    Claimed(Result<Claimed, StoreError>),
    Renewed {
        asked: Vec<EventId>,
        /// `None` when it was only asked whether they are held.
        until: Option<Instant>,
        held: Result<Vec<EventId>, StoreError>,
    },
    Released(Result<(), StoreError>),
}

/// What was claimed.
pub(super) struct Claimed {
    pub(super) jobs: Vec<Job>,
    /// How many of them are fresh; `None` when those were not asked for.
    pub(super) fresh: Option<usize>,
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Claimant {
    pub(super) store: Arc<dyn Store>,
    pub(super) outlet: Arc<Outlet>,
    pub(super) holder: Arc<str>,
    pub(super) term: Duration,
    /// What was delivered last cannot be recorded now, so it would be claimed and delivered again.
    pub(super) records_fail: Arc<AtomicBool>,
}

impl Claimant {
    /// Claims what is due, the fresh first; with `just_one`, no more than one delivery.
    pub(super) async fn claim(
        self,
        fresh: Option<Reserved>,
        backlog: Option<Reserved>,
        just_one: bool,
    ) -> Answer {
        let mut jobs = Vec::new();
        let fresh = match fresh {
            None => None,
            Some(reserved) => match self.claim_lane(Lane::Fresh, reserved, &mut jobs).await {
                Ok(count) => Some(count),
                Err(error) => return Answer::Claimed(Err(error)),
            },
        };
        let enough = just_one && !jobs.is_empty();
        if let Some(reserved) = backlog
            && !enough
            && let Err(error) = self.claim_lane(Lane::Backlog, reserved, &mut jobs).await
            // What is claimed already is not lost for that.
            && jobs.is_empty()
        {
            return Answer::Claimed(Err(error));
        }
        Answer::Claimed(Ok(Claimed { jobs, fresh }))
    }

    /// A place is reserved before a lease is written, so that nothing is claimed that cannot be taken up.
    async fn claim_lane(
        &self,
        lane: Lane,
        mut reserved: Reserved,
        jobs: &mut Vec<Job>,
    ) -> Result<usize, StoreError> {
        let asked_at = Instant::now();
        let claim = Claim {
            holder: &self.holder,
            term: self.term,
            sink: &self.outlet.name,
            backlog: lane == Lane::Backlog,
            in_order: self.outlet.in_order,
            limit: reserved.deliveries(),
            max_bytes: reserved.bytes(),
        };
        let claimed = self.store.claim_deliveries(&claim).await?;
        let count = claimed.len();
        for claimed in claimed {
            let Some(place) = reserved.place(claimed.event.body.len()) else {
                break;
            };
            jobs.push(Job {
                event: Arc::new(claimed.event),
                attempts: claimed.attempts,
                lane,
                leased_until: asked_at + self.term,
                ready_at: asked_at,
                place,
            });
        }
        Ok(count)
    }

    pub(super) async fn renew(self, events: Vec<EventId>) -> Answer {
        let until = Instant::now() + self.term;
        let held = self
            .store
            .renew_leases(&self.held(&events), self.term)
            .await;
        Answer::Renewed {
            asked: events,
            until: Some(until),
            held,
        }
    }

    /// Asks which leases are still held.
    pub(super) async fn check(self, events: Vec<EventId>) -> Answer {
        let held = self.store.held_leases(&self.held(&events)).await;
        Answer::Renewed {
            asked: events,
            until: None,
            held,
        }
    }

    pub(super) async fn release(self, events: Vec<EventId>) -> Answer {
        Answer::Released(self.store.release_leases(&self.held(&events)).await)
    }

    fn held<'a>(&'a self, events: &'a [EventId]) -> Held<'a> {
        Held {
            holder: &self.holder,
            sink: &self.outlet.name,
            events,
        }
    }
}
