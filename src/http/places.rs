//! The places that connections have on one listener. When they run out, those make room that have gone longest
//! without showing anything authentic.
//!
//! Locked only when a connection comes or goes, and a few times a second to look for those that keep us waiting.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use tracing::warn;

use super::standing::{Beginning, Farewell, Moment, Overdue, Patience, Standing};
use crate::{
    metrics::ConnectionMetrics,
    sampling::{Sample, Sampler},
};

/// Between two looks for somebody who can make room.
const SEARCH_INTERVAL: Duration = Duration::from_millis(50);
/// One in so many places is kept free, so that who comes need not wait until somebody has gone.
const RESERVE: usize = 64;

/// The places of one listener.
pub(super) struct Places {
    beginning: Beginning,
    free: Arc<Semaphore>,
    reserve: usize,
    taken: Mutex<Taken>,
    metrics: ConnectionMetrics,
}

/// The connections, in the order in which they came.
struct Taken {
    next: u64,
    /// Those that had shown nothing authentic when they were last looked at.
    strangers: BTreeMap<u64, Arc<Standing>>,
    /// Those that had.
    known: BTreeMap<u64, Arc<Standing>>,
    evictions: Sampler,
}

/// A connection's place, free again when dropped.
pub(super) struct Place {
    pub(super) standing: Arc<Standing>,
    number: u64,
    places: Arc<Places>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            beginning: Beginning::now(),
            free: Arc::new(Semaphore::new(count)),
            reserve: count / RESERVE,
            taken: Mutex::new(Taken {
                next: 0,
                strangers: BTreeMap::new(),
                known: BTreeMap::new(),
                evictions: Sampler::new(1),
            }),
            metrics: ConnectionMetrics::new(),
        })
    }

    /// Takes a place for a new connection, which another one may have to leave.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        loop {
            let free = self.free.available_permits();
            if free <= self.reserve {
                self.make_room(free == 0);
            }
            // A connection that has to go is gone soon; unless none could.
            let place = timeout(SEARCH_INTERVAL, Arc::clone(&self.free).acquire_owned());
            if let Ok(Ok(permit)) = place.await {
                return self.seat(permit);
            }
        }
    }

    /// Closes the connection that has gone longest without showing anything authentic. One that once has, only if
    /// it `must`; never one whose delivery is being stored or answered.
    pub(super) fn make_room(&self, must: bool) {
        let now = self.beginning.moment();
        let mut taken = self.taken();
        let Some(standing) = taken.next_stranger(now).or_else(|| {
            let known = must.then(|| taken.longest_silent(now))?;
            taken.known.remove(&known?)
        }) else {
            return;
        };
        let sample = taken.evictions.next(Instant::now());
        drop(taken);
        standing.dismiss(Farewell::Cut);
        self.metrics.evicted();
        if let Sample::Taken { held_back } = sample {
            warn!(
                connections = held_back + 1,
                "all places for connections are taken: connections that showed nothing authentic are closed for new ones (server.max_connections)"
            );
        }
    }

    /// Tells those to go that have kept us waiting for too long.
    pub(super) fn sweep(&self, patience: Patience) {
        let now = self.beginning.moment();
        let taken = self.taken();
        for standing in taken.all() {
            if let Some((overdue, farewell)) = standing.overdue(now, patience)
                && standing.dismiss(farewell)
            {
                match overdue {
                    Overdue::Headers => self.metrics.slow_headers(),
                    Overdue::Idle => self.metrics.idle(),
                    Overdue::Unread => self.metrics.unread(),
                }
            }
        }
    }

    /// Tells all to go.
    pub(super) fn dismiss_all(&self, farewell: Farewell) {
        for standing in self.taken().all() {
            standing.dismiss(farewell);
        }
    }

    fn seat(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        let standing = Arc::new(Standing::new(self.beginning));
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        taken.strangers.insert(number, Arc::clone(&standing));
        Place {
            standing,
            number,
            places: Arc::clone(self),
            _permit: permit,
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes out the stranger who came first. Who is none any more is found out here, once each.
    /// Nobody, when all have only just come: they are gone or known soon.
    fn next_stranger(&mut self, now: Moment) -> Option<Arc<Standing>> {
        loop {
            let (number, standing) = self.strangers.pop_first()?;
            if standing.authentic_at().is_none() && standing.is_new(now) {
                self.strangers.insert(number, standing);
                return None;
            }
            if standing.authentic_at().is_none() {
                return Some(standing);
            }
            self.known.insert(number, standing);
        }
    }

    fn longest_silent(&self, now: Moment) -> Option<u64> {
        let silent = self
            .known
            .iter()
            .filter(|(_, known)| !known.is_delivering(now));
        let (number, _) = silent.min_by_key(|(_, known)| known.authentic_at())?;
        Some(*number)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Standing>> {
        self.strangers.values().chain(self.known.values())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if taken.strangers.remove(&self.number).is_none() {
            taken.known.remove(&self.number);
        }
    }
}
