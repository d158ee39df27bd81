//! Keeps what the database's planner knows of the typed tables up to date, so that views answer fast.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{domain::Table, providers::tables, store::Store};

/// Looking is cheap; there is something to do when some tenth of a table has changed.
const INTERVAL: Duration = Duration::from_mins(5);

/// Looks after the statistics until `closing`.
pub async fn run(store: Arc<dyn Store>, closing: CancellationToken) {
    let tables: Vec<&Table> = tables().collect();
    loop {
        let step = async {
            if let Err(error) = store.refresh_statistics(&tables).await {
                debug!(
                    ?error,
                    "the statistics of the typed tables were not refreshed"
                );
            }
            tokio::time::sleep(INTERVAL).await;
        };
        tokio::select! {
            () = closing.cancelled() => return,
            () = step => {}
        }
    }
}
