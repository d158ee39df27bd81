//! Keeps one source's refused requests aside, within its budget, in case the secret was ours to mend.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{Reservation, report::Report};
use crate::{
    domain::{Clock, Name, RejectedRequest, Timestamp},
    providers::{Headers, Refusal, Sources, Unverified},
    sampling::Sample,
    store::{RejectedBudget, Store, StoreError},
};

/// As many are kept aside in one transaction.
const MAX_BATCH: usize = 64;
/// Requests that may wait for a database that is away, besides those in the queue.
const MAX_WAITING: usize = 4096;
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
    /// Diagnosed, and not kept yet; each with the memory it takes.
    waiting: Vec<RejectedRequest>,
    memories: Vec<Reservation>,
    /// When to try again, while the database is away.
    retry_at: Option<Instant>,
    pause: Duration,
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
            waiting: Vec::new(),
            memories: Vec::new(),
            retry_at: None,
            pause: PAUSES.0,
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
            let has_room = self.waiting.len() < MAX_WAITING || self.queue.is_closed();
            let retry_at = self.retry_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = closing.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                _ = sweep.tick() => self.prune().await,
                () = sleep_until(retry_at), if self.retry_at.is_some() => self.keep().await,
                count = self.queue.recv_many(&mut batch, MAX_BATCH), if has_room => match count {
                    0 => return self.keep().await,
                    _ => self.step(&mut batch).await,
                }
            }
        }
    }

    /// Diagnoses a batch, and keeps it aside unless the database is away.
    async fn step(&mut self, batch: &mut Vec<KeptAside>) {
        for kept_aside in batch.drain(..) {
            let refusal = self.diagnose(&kept_aside);
            self.report
                .refused(refusal.as_str(), refusal.remedy(), kept_aside.sample);
            self.memories.push(kept_aside.memory);
            self.waiting.push(RejectedRequest {
                source: self.source().clone(),
                received_at: kept_aside.received_at,
                reason: refusal.as_str(),
                headers: kept_aside.headers,
                body: kept_aside.request.body,
            });
        }
        if self.retry_at.is_none() {
            self.keep().await;
        }
    }

    /// Keeps aside what waits. While the database is away, it waits on.
    async fn keep(&mut self) {
        while !self.waiting.is_empty() {
            let batch = self.waiting.len().min(MAX_BATCH);
            match self.store.keep_rejected(&self.waiting[..batch]).await {
                Ok(()) => {
                    self.retry_at = None;
                    self.pause = PAUSES.0;
                    self.count(batch).await;
                }
                Err(error @ StoreError::Refused(_)) => {
                    error!(?error, source.name = %self.source(), requests = batch, "refused requests could not be kept aside");
                }
                Err(error) => {
                    if self.retry_at.is_none() {
                        warn!(?error, source.name = %self.source(), "refused requests wait in memory to be kept aside");
                    }
                    self.retry_at = Some(Instant::now() + self.pause);
                    self.pause = (self.pause * 2).min(PAUSES.1);
                    return;
                }
            }
            self.waiting.drain(..batch);
            self.memories.drain(..batch);
        }
    }

    /// So many more are kept: looks at the budget, now and then.
    async fn count(&mut self, batch: usize) {
        let bytes: usize = self.waiting[..batch]
            .iter()
            .map(|request| request.body.len())
            .sum();
        self.unpruned.0 = self
            .unpruned
            .0
            .saturating_add(u32::try_from(batch).unwrap_or(u32::MAX));
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
            Err(error) if error.is_transient() => debug!(?error, "the budget is looked at later"),
            Err(error) => {
                error!(?error, source.name = %self.source(), "refused requests over the budget could not be removed");
            }
        }
    }
}
