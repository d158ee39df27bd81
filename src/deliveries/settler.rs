//! Records what became of deliveries: while one batch is written, what is settled meanwhile forms the next.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, instrument};

use super::outlet::Outlet;
use crate::{
    domain::{Place, Settlement},
    store::{Store, StoreError},
};

/// As many as one statement takes.
const MAX_BATCH: usize = 500;
/// Nobody waits for a record, but where there is an order: one statement for many costs far less.
const GATHER: Duration = Duration::from_millis(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A settlement, and the place in memory that its delivery has until it is recorded. It bounds the channel.
pub(super) struct Settled {
    pub(super) settlement: Settlement,
    pub(super) outlet: Arc<Outlet>,
    pub(super) place: Place,
}

pub(super) struct Settler {
    pub(super) store: Arc<dyn Store>,
    pub(super) holder: Arc<str>,
    pub(super) queue: mpsc::UnboundedReceiver<Settled>,
    /// Tells the workers to claim nothing meanwhile.
    pub(super) records_fail: Arc<AtomicBool>,
}

impl Settler {
    /// Records until every worker has ended.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while self.queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
            if !batch.iter().any(|settled| settled.outlet.in_order) {
                sleep(GATHER).await;
            }
            while batch.len() < MAX_BATCH
                && let Ok(settled) = self.queue.try_recv()
            {
                batch.push(settled);
            }
            self.step(std::mem::take(&mut batch), &closing).await;
        }
    }

    /// Records one batch, however long that takes: what is not recorded would be delivered again.
    #[instrument(name = "deliveries.settle", skip_all, fields(batch.deliveries = batch.len()))]
    async fn step(&self, batch: Vec<Settled>, closing: &CancellationToken) {
        let mut outlets = Vec::with_capacity(batch.len());
        let mut settlements = Vec::with_capacity(batch.len());
        let mut places = Vec::with_capacity(batch.len());
        for settled in batch {
            settlements.push(settled.settlement);
            outlets.push(settled.outlet);
            places.push(settled.place);
        }
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.settle(&settlements).await {
            self.records_fail.store(true, Ordering::Relaxed);
            if closing.is_cancelled() {
                error!(
                    ?error,
                    deliveries = settlements.len(),
                    "what was delivered last is not recorded and will be delivered again"
                );
                return;
            }
            if pause == FIRST_PAUSE {
                error!(
                    ?error,
                    "what was delivered cannot be recorded yet; trying again"
                );
            }
            tokio::select! {
                () = closing.cancelled() => {}
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.records_fail.store(false, Ordering::Relaxed);
        drop(places);
        outlets.dedup_by(|a, b| Arc::ptr_eq(a, b));
        for outlet in outlets {
            // Room for what waits in the database, or the next delivery about the same thing.
            if !outlet.keeps_up() {
                outlet.wake.notify_one();
            }
        }
    }

    /// Records a delivery's settlements one after the other, in the rare case that there are two of one.
    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let keys = settlements
            .iter()
            .map(|settlement| (settlement.event, &settlement.sink));
        if keys.collect::<HashSet<_>>().len() == settlements.len() {
            return self.settle_each_once(settlements).await;
        }
        for settlement in settlements {
            self.settle_each_once(std::slice::from_ref(settlement))
                .await?;
        }
        Ok(())
    }

    /// Halves a batch that holds a row the database refuses, until that stands alone and stops nobody else.
    async fn settle_each_once(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let mut parts = vec![settlements];
        while let Some(part) = parts.pop() {
            match self.store.settle_deliveries(&self.holder, part).await {
                Ok(()) => {}
                Err(StoreError::Refused(_)) if part.len() > 1 => {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right, left]);
                }
                Err(error @ StoreError::Refused(_)) => {
                    let event = part.first().map(|settlement| settlement.event.0);
                    error!(
                        ?error,
                        event.id = event,
                        "the database refuses the record of a delivery, which will be made again"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
