//! Keeps one source's refused requests aside, within its budget, in case the secret was ours to mend.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Reservation, report::Report};
use crate::{
    domain::{Clock, Name, RejectedRequest, Timestamp},
    providers::{Headers, Refusal, Sources, Unverified},
    sampling::Sample,
    store::{RejectedBudget, Store, StoreError},
};

/// As many are kept aside in one transaction.
const MAX_BATCH: usize = 64;
/// Between two removals of what has grown too old.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);
/// Between two tries while the database is away.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// The budget is looked at again when it may be exceeded by this part of it.
const SLACK: u32 = 10;

/// A refused request on its way to `rejected_requests`.
pub(super) struct KeptAside {
    pub(super) request: Unverified,
    pub(super) headers: Headers,
    pub(super) received_at: Timestamp,
    /// Given back when it is stored.
    pub(super) memory: Reservation,
    /// Whether it is diagnosed and logged.
    pub(super) sample: Sample,
}

/// Keeps the refused requests of one source.
pub struct Keeper {
    report: Report,
    queue: mpsc::Receiver<KeptAside>,
    sources: Arc<Sources>,
    store: Arc<dyn Store>,
    budget: RejectedBudget,
    clock: Arc<dyn Clock>,
    /// Rows and bytes since the budget was looked at.
    unpruned: (u32, u64),
}

impl Keeper {
    pub(super) fn new(
        report: Report,
        queue: mpsc::Receiver<KeptAside>,
        sources: Arc<Sources>,
        store: Arc<dyn Store>,
        budget: RejectedBudget,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            report,
            queue,
            sources,
            store,
            budget,
            clock,
            unpruned: (0, 0),
        }
    }

    fn source(&self) -> &Name {
        self.report.source()
    }

    /// Keeps aside until `closing`, and then what still waits.
    pub async fn run(mut self, closing: CancellationToken) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                _ = sweep.tick() => self.prune().await,
                count = self.queue.recv_many(&mut batch, MAX_BATCH) => match count {
                    0 => return,
                    _ => self.step(&mut batch, &closing).await,
                }
            }
        }
    }

    /// Diagnoses a batch and keeps it aside.
    async fn step(&mut self, batch: &mut Vec<KeptAside>, closing: &CancellationToken) {
        let mut memories = Vec::with_capacity(batch.len());
        let mut requests = Vec::with_capacity(batch.len());
        for kept_aside in batch.drain(..) {
            let refusal = self.diagnose(&kept_aside);
            self.report
                .refused(refusal.as_str(), refusal.remedy(), kept_aside.sample);
            memories.push(kept_aside.memory);
            requests.push(RejectedRequest {
                source: self.source().clone(),
                received_at: kept_aside.received_at,
                reason: refusal.as_str(),
                headers: kept_aside.headers,
                body: kept_aside.request.body,
            });
        }
        if let Err(error) = self.keep(&requests, closing).await {
            let requests = requests.len();
            error!(?error, source.name = %self.source(), requests, "refused requests could not be kept aside");
            return;
        }
        let bytes: usize = requests.iter().map(|request| request.body.len()).sum();
        self.unpruned.0 = self
            .unpruned
            .0
            .saturating_add(u32::try_from(requests.len()).unwrap_or(u32::MAX));
        self.unpruned.1 = self.unpruned.1.saturating_add(bytes as u64);
        let (count, size) = self.unpruned;
        let slack = (
            self.budget.max_count / SLACK,
            self.budget.max_size.as_u64() / u64::from(SLACK),
        );
        if count > slack.0 || size > slack.1 {
            self.prune().await;
        }
    }

    /// While the database is away, they wait here, and what comes meanwhile in the queue.
    async fn keep(
        &self,
        requests: &[RejectedRequest],
        closing: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut pause = PAUSES.0;
        loop {
            match self.store.keep_rejected(requests).await {
                Err(error) if error.is_transient() && !closing.is_cancelled() => {}
                outcome => return outcome,
            }
            tokio::select! {
                () = closing.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Only what is logged is diagnosed: it takes time, and strangers can cause it.
    fn diagnose(&self, kept_aside: &KeptAside) -> Refusal {
        match (kept_aside.sample, self.sources.get(self.source())) {
            (Sample::Taken { .. }, Some(source)) => source.provider().diagnose(&kept_aside.request),
            _ => Refusal::Mismatch,
        }
    }

    async fn prune(&mut self) {
        let now = self.clock.now();
        match self
            .store
            .prune_rejected(self.source(), &self.budget, now)
            .await
        {
            Ok(()) => self.unpruned = (0, 0),
            Err(error) => {
                error!(?error, source.name = %self.source(), "refused requests over the budget could not be removed");
            }
        }
    }
}
