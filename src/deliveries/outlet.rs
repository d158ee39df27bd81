//! What the way in and the worker of one sink share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use super::room::Room;
use crate::domain::{EventRecord, Lease, Name, Place};

/// What a worker may have in memory for each sink: enough that the database is asked for many at once, and
/// bounded whatever waits.
const FRESH: (usize, u32) = (1024, 4 << 20);
const BACKLOG: (usize, u32) = (256, 2 << 20);

/// A sink as those see it who have something for it.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) name: Name,
    /// Such a sink is told in the order the database knows, so nothing is handed over past it.
    pub(super) in_order: bool,
    /// How long a batch may gather.
    pub(super) linger: Duration,
    pub(super) fresh: Room,
    pub(super) backlog: Room,
    /// Something is due, or may be.
    pub(super) wake: Notify,
    arrivals: mpsc::UnboundedSender<Job>,
    /// Whether the worker keeps up, so that what is handed over does not overtake what waits.
    keeps_up: AtomicBool,
}

/// One delivery in a worker's memory, which it has a lease on.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) event: Arc<EventRecord>,
    /// How many times it was tried before.
    pub(super) attempts: u32,
    pub(super) lane: Lane,
    /// Until when the lease runs at least, by our clock.
    pub(super) leased_until: Instant,
    /// When its batch has gathered for long enough. What had to be claimed has waited already.
    pub(super) ready_at: Instant,
    pub(super) place: Place,
}

/// Fresh deliveries do not wait behind those that have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Fresh,
    Backlog,
}

impl Outlet {
    /// An outlet, and what is handed over through it.
    pub(super) fn new(
        name: Name,
        in_order: bool,
        linger: Duration,
    ) -> (Self, mpsc::UnboundedReceiver<Job>) {
        let (arrivals, receiver) = mpsc::unbounded_channel();
        let outlet = Self {
            name,
            in_order,
            linger,
            fresh: Room::new(FRESH.0, FRESH.1),
            backlog: Room::new(BACKLOG.0, BACKLOG.1),
            wake: Notify::new(),
            arrivals,
            keeps_up: AtomicBool::new(false),
        };
        (outlet, receiver)
    }

    /// A lease on a delivery that is about to be committed, if the worker can take it up at once.
    pub(super) fn lease(&self, holder: &Arc<str>, term: Duration, length: usize) -> Option<Lease> {
        if self.in_order || !self.keeps_up() {
            return None;
        }
        let Some(place) = self.fresh.place(length) else {
            self.set_keeps_up(false);
            return None;
        };
        Some(Lease {
            holder: Arc::clone(holder),
            term,
            taken_at: Instant::now(),
            place,
        })
    }

    /// Hands a committed delivery over to the worker. The place it has bounds the channel.
    pub(super) fn hand_over(&self, job: Job) {
        // The worker has ended: the receiver is stopping, and the lease will run out.
        self.arrivals.send(job).ok();
    }

    pub(super) fn keeps_up(&self) -> bool {
        self.keeps_up.load(Ordering::Relaxed)
    }

    pub(super) fn set_keeps_up(&self, keeps_up: bool) {
        self.keeps_up.store(keeps_up, Ordering::Relaxed);
    }
}
