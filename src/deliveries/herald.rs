//! Tells the other receivers on the database that something is due, and hears it from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::outlet::Outlet;
use crate::{
    domain::Name,
    store::{Announcements, Store, StoreError},
};

/// One announcement stands for all that became due meanwhile.
const GATHER: Duration = Duration::from_millis(100);
/// Before listening again.
const PAUSE: Duration = Duration::from_secs(5);

/// Gathers what is to be announced.
#[derive(Debug, Default)]
pub(super) struct Herald {
    due: Mutex<BTreeSet<Name>>,
    wake: Notify,
}

impl Herald {
    /// Notes that deliveries of this sink are due, and not in our hands.
    pub(super) fn announce(&self, sink: &Name) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if !due.contains(sink) {
            due.insert(sink.clone());
            self.wake.notify_one();
        }
    }

    /// Announces until `closing`. Only speeds things up: whoever misses it looks by itself.
    pub(super) async fn run(self: Arc<Self>, store: Arc<dyn Store>, closing: CancellationToken) {
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = self.wake.notified() => {}
            }
            let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
            let sinks: Vec<Name> = due.into_iter().collect();
            if let Err(error) = store.announce(&sinks).await {
                debug!(?error, "due deliveries were not announced");
            }
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(GATHER) => {}
            }
        }
    }
}

/// Wakes the workers of which others say that they have something to do.
pub(super) async fn listen(
    store: Arc<dyn Store>,
    outlets: BTreeMap<Name, Arc<Outlet>>,
    closing: CancellationToken,
) {
    let listening = async {
        loop {
            if let Err(error) = listen_on(&*store, &outlets).await {
                debug!(
                    ?error,
                    "announcements are not heard; deliveries are found by looking"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        () = listening => {}
    }
}

async fn listen_on(
    store: &dyn Store,
    outlets: &BTreeMap<Name, Arc<Outlet>>,
) -> Result<(), StoreError> {
    let mut announcements: Box<dyn Announcements> = store.announcements().await?;
    loop {
        match announcements.next().await? {
            Some(sink) => {
                if let Some(outlet) = outlets.get(sink.as_str()) {
                    outlet.wake.notify_one();
                }
            }
            // Some may have been missed.
            None => outlets.values().for_each(|outlet| outlet.wake.notify_one()),
        }
    }
}
