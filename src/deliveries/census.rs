//! Counts what is pending for each sink, configured or not, for the metrics.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    domain::{Clock, Timestamp},
    metrics,
    store::{Store, StoreError},
};

/// A million pending deliveries take a fraction of a second to count.
const INTERVAL: Duration = Duration::from_mins(1);

/// Counts until `closing`.
pub(super) async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, closing: CancellationToken) {
    let mut known = BTreeSet::new();
    loop {
        let counting = async {
            if let Err(error) = step(&*store, clock.now(), &mut known).await {
                debug!(?error, "pending deliveries were not counted");
            }
            tokio::time::sleep(INTERVAL).await;
        };
        tokio::select! {
            () = closing.cancelled() => return,
            () = counting => {}
        }
    }
}

/// Counts once. `known` are the sinks that had something pending before: they go back to none.
async fn step(
    store: &dyn Store,
    now: Timestamp,
    known: &mut BTreeSet<String>,
) -> Result<(), StoreError> {
    let pending = store.pending_deliveries().await?;
    for sink in std::mem::take(known) {
        metrics::pending(&sink, 0, Duration::ZERO);
    }
    for pending in pending {
        let age = (now - pending.oldest).to_std().unwrap_or_default();
        metrics::pending(&pending.sink, pending.count, age);
        known.insert(pending.sink);
    }
    Ok(())
}
