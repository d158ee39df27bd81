//! The bodies that are still arriving, and which of them gives way when another one finds no room.
//!
//! Nobody knows yet which of them are authentic. But who stalls is more likely a stranger than who sends.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// So long a body may bring nothing.
const GRACE: Duration = Duration::from_secs(1);
/// And it has to bring so many bytes in a second, or it is slow.
const SLOW: f64 = 256.0 * 1024.0;

/// A body that is arriving, and not in one piece.
#[derive(Debug)]
pub(super) struct Arrival {
    since: Instant,
    bytes: AtomicUsize,
    /// Microseconds after its beginning from which on it is slow: put off by what it brings, but never far.
    slow_from: AtomicU64,
    gave_way: AtomicBool,
    told: Notify,
}

impl Arrival {
    pub(super) fn begin() -> Arc<Self> {
        Arc::new(Self {
            since: Instant::now(),
            bytes: 0.into(),
            slow_from: micros(GRACE).into(),
            gave_way: false.into(),
            told: Notify::new(),
        })
    }

    /// So much of it is here.
    pub(super) fn has_brought(&self, bytes: usize) {
        let more = bytes.saturating_sub(self.bytes.swap(bytes, Relaxed));
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let earned = micros(Duration::from_secs_f64(more as f64 / SLOW));
        let latest = micros(self.since.elapsed() + GRACE);
        let slow_from = self.slow_from.load(Relaxed).saturating_add(earned);
        self.slow_from.store(slow_from.min(latest), Relaxed);
    }

    /// Resolves when it has to give way.
    pub(super) async fn gives_way(&self) {
        self.told.notified().await;
    }

    fn is_slow(&self, age: Duration) -> bool {
        self.slow_from.load(Relaxed) <= micros(age)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The bodies that are arriving and hold some of the same memory, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    next: AtomicU64,
    bodies: Mutex<BTreeMap<u64, Arc<Arrival>>>,
}

/// A body's entry, taken out when dropped.
#[derive(Debug)]
pub(super) struct Entry {
    number: u64,
    arriving: Arc<Arriving>,
}

impl Arriving {
    pub(super) fn enter(self: &Arc<Self>, body: &Arc<Arrival>) -> Entry {
        let number = self.next.fetch_add(1, Relaxed);
        self.bodies().insert(number, Arc::clone(body));
        Entry {
            number,
            arriving: Arc::clone(self),
        }
    }

    /// Makes the oldest of those that are slow give way to `body`. `false` if there is nobody who could, sooner or
    /// later.
    pub(super) fn press(&self, body: Option<&Arc<Arrival>>) -> bool {
        let is_it = |other: &Arc<Arrival>| body.is_some_and(|body| Arc::ptr_eq(body, other));
        let mut bodies = self.bodies();
        // Two that press each other must not both go.
        if body.is_some_and(|body| body.gave_way.load(Relaxed)) {
            return false;
        }
        let mut others = bodies.iter().filter(|(_, other)| !is_it(other)).peekable();
        if others.peek().is_none() {
            return false;
        }
        let now = Instant::now();
        let slow = others
            .map(|(number, other)| (*number, other, now - other.since))
            .take_while(|(_, _, age)| *age >= GRACE)
            .find(|(_, other, age)| other.is_slow(*age));
        if let Some((number, other, _)) = slow {
            other.gave_way.store(true, Relaxed);
            other.told.notify_one();
            bodies.remove(&number);
        }
        true
    }

    fn bodies(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Arrival>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.arriving.bodies().remove(&self.number);
    }
}
