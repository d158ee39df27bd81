//! A receiver at work, and the order in which its parts are taken down.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::{
    shutdown::Group,
    spool::{Spool, Usage},
    store::Store,
};

/// How long the last commits may take once nothing more comes in, and how long the rest may. With the
/// grace of the connections they stay under the ten seconds after which a container runtime kills.
const LAST_COMMITS: Duration = Duration::from_secs(2);
/// Counted from the beginning of the stop.
const LAST_DRAIN: Duration = Duration::from_secs(7);
const LAST_DELIVERIES: Duration = Duration::from_millis(1400);
const LAST_LOOK: Duration = Duration::from_millis(200);
const LAST_CHORES: Duration = Duration::from_millis(1500);

/// A receiver that receives.
pub(super) struct Running {
    pub(super) servers: Group,
    pub(super) drains: TaskTracker,
    pub(super) committer: Group,
    pub(super) spooler: Group,
    pub(super) drainer: Group,
    pub(super) workers: Group,
    pub(super) settler: Group,
    pub(super) chores: Group,
    pub(super) store: Arc<dyn Store>,
    pub(super) spool: Arc<Spool>,
}

impl Running {
    /// Of which nothing runs yet.
    pub(super) fn new(store: Arc<dyn Store>, spool: Arc<Spool>, drains: TaskTracker) -> Self {
        Self {
            servers: Group::default(),
            drains,
            committer: Group::default(),
            spooler: Group::default(),
            drainer: Group::default(),
            workers: Group::default(),
            settler: Group::default(),
            chores: Group::default(),
            store,
            spool,
        }
    }

    /// Resolves with the name of a part that ended without having been told to.
    pub(super) async fn ended_early(&mut self) -> &'static str {
        tokio::select! {
            () = self.servers.ended_early() => "server",
            () = self.committer.ended_early() => "committer",
            () = self.spooler.ended_early() => "spooler",
            () = self.drainer.ended_early() => "drainer",
            () = self.workers.ended_early() => "delivery",
            () = self.settler.ended_early() => "record of deliveries",
            () = self.chores.ended_early() => "background work",
        }
    }

    /// In the order in which events flow, so that nothing is taken that could not be passed on.
    pub(super) async fn stop(mut self) {
        let began = Instant::now();
        self.servers.close().await;
        let commits = timeout(LAST_COMMITS, async {
            self.committer.close().await;
            self.spooler.close().await;
        })
        .await;
        // Most stops are quick so far, and leave it much time.
        drop(timeout_at(began + LAST_DRAIN, self.drainer.close()).await);
        let deliveries = async {
            self.workers.close().await;
            self.settler.close().await;
        };
        if timeout(LAST_DELIVERIES, deliveries).await.is_err() {
            warn!("the last deliveries did not end in time; they will be made again");
        }
        let chores = async {
            self.drains.close();
            self.drains.wait().await;
            self.chores.close().await;
            self.store.close().await;
            self.spool.close().await;
        };
        if let Ok(Ok(Usage {
            waiting, refused, ..
        })) = timeout(LAST_LOOK, self.spool.usage()).await
            && waiting + refused > 0
        {
            warn!(
                waiting,
                refused,
                "deliveries wait in the spool: start again with the same spool.dir, or run \
                 `huntr-receiver drain --spool DIR`"
            );
        }
        if timeout(LAST_CHORES, chores).await.is_err() {
            warn!("the last refused requests may not have been kept aside");
        }
        if commits.is_err() {
            warn!("the last commits did not end in time; what was in them got no 200");
        }
    }
}
