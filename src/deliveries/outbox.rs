//! Hands what was just committed to the workers in this process, so that the usual way needs no query.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Routes,
    herald::Herald,
    outlet::{Job, Lane, Outlet},
};
use crate::{
    domain::{EventId, EventRecord, Name, NewEvent},
    intake,
};

/// The committed events' way to the workers.
pub struct Outbox {
    pub(super) routes: Routes,
    pub(super) outlets: BTreeMap<Name, Arc<Outlet>>,
    pub(super) herald: Arc<Herald>,
    pub(super) holder: Arc<str>,
    pub(super) term: Duration,
}

impl intake::Outbox for Outbox {
    fn route(&self, event: NewEvent) -> NewEvent {
        self.routes.route(event)
    }

    fn before_commit(&self, event: &mut NewEvent) {
        let length = event.body.len();
        for delivery in &mut event.deliveries {
            if let Some(outlet) = self.outlets.get(&delivery.sink) {
                delivery.lease = outlet.lease(&self.holder, self.term, length);
            }
        }
    }

    fn after_commit(&self, id: EventId, mut event: NewEvent) {
        let deliveries = std::mem::take(&mut event.deliveries);
        if deliveries.is_empty() {
            return;
        }
        let event = Arc::new(EventRecord::new(id, event));
        let now = Instant::now();
        for delivery in deliveries {
            let Some(outlet) = self.outlets.get(&delivery.sink) else {
                continue;
            };
            let Some(lease) = delivery.lease else {
                outlet.wake.notify_one();
                self.herald.announce(&outlet.name);
                continue;
            };
            outlet.hand_over(Job {
                event: Arc::clone(&event),
                attempts: 0,
                lane: Lane::Fresh,
                leased_until: lease.taken_at + lease.term,
                ready_at: now + outlet.linger,
                place: lease.place,
            });
        }
    }
}

/// Where no worker runs: the deliveries are stored with their event, and found by a receiver that serves.
impl intake::Outbox for Routes {
    fn route(&self, event: NewEvent) -> NewEvent {
        self.route(event)
    }

    fn before_commit(&self, _: &mut NewEvent) {}

    fn after_commit(&self, _: EventId, _: NewEvent) {}
}
