//! Whether events go to the database, or to the spool because commits fail.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::{metrics, store::StoreError};

/// The way to the database, closed while it takes nothing. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: AtomicBool,
    /// The gate was closed, or something was spooled.
    wake: Notify,
}

impl Gate {
    /// A gate that is open from the start.
    pub(super) fn opened() -> Self {
        let gate = Self::default();
        gate.0.open.store(true, Ordering::Relaxed);
        gate
    }

    /// Whether the last that is known of the database is that it takes events.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// From now on events go to the database.
    pub fn open(&self) {
        if !self.0.open.swap(true, Ordering::Relaxed) {
            metrics::database_up(true);
            info!("the database takes deliveries");
        }
    }

    /// From now on events go to the spool, until the drainer finds that the database takes them again.
    pub(super) fn close(&self, cause: &StoreError) {
        if self.0.open.swap(false, Ordering::Relaxed) {
            metrics::database_up(false);
            if cause.is_transient() {
                warn!(
                    error = ?cause,
                    "the database takes no deliveries; until it does, they wait in the spool"
                );
            } else {
                error!(
                    error = ?cause,
                    "the database takes no deliveries until its set-up is mended; they wait in the spool"
                );
            }
        }
        self.0.wake.notify_one();
    }

    /// Tells the drainer that there is something in the spool.
    pub(super) fn spooled(&self) {
        self.0.wake.notify_one();
    }

    /// Waits until there is something for the drainer to do.
    pub(super) async fn woken(&self) {
        self.0.wake.notified().await;
    }
}
