//! What becomes of a refused request, off the answering path: diagnosed, logged, counted and kept aside.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{
    Reservation,
    sampling::{Sample, Sampler},
};
use crate::{
    domain::{Clock, Name, RejectedRequest, Timestamp},
    metrics,
    providers::{Headers, Refusal, Source, Sources, Unverified},
    store::{RejectedBudget, Store},
};

/// Refused requests that may wait to be looked at; what comes on top is only counted.
const MAX_WAITING: usize = 256;
/// As many are kept aside in one transaction.
const MAX_BATCH: usize = 64;
/// Between two removals of what has grown too old.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);
/// More in a second than this are neither diagnosed nor logged one by one.
const SAMPLES_PER_SECOND: u32 = 20;

/// A refused request.
#[derive(Debug)]
pub struct Refused {
    /// Where it was posted to.
    pub source: Name,
    /// When.
    pub received_at: Timestamp,
    /// Why.
    pub why: Why,
}

/// Why a request was refused.
#[derive(Debug)]
pub enum Why {
    /// Its credential is missing or has the wrong form.
    Malformed(Refusal),
    /// Its credential has the right form and matches no secret.
    Unverified {
        /// The credential and the body.
        request: Unverified,
        /// The headers worth keeping.
        headers: Headers,
        /// The memory the body takes up.
        memory: Reservation,
    },
    /// It did not come so far as to be verified, or was authentic and could not be stored.
    NotTaken {
        /// The error's code.
        code: &'static str,
        /// What the reader of the log can do about it.
        remedy: &'static str,
    },
}

/// Where refused requests are handed over. Cheap to clone, never waits.
#[derive(Clone)]
pub struct RefusalLog(mpsc::Sender<Refused>);

impl RefusalLog {
    /// Hands over a refused request, unless too many wait.
    pub fn record(&self, refused: Refused) {
        if let Err(error) = self.0.try_send(refused) {
            metrics::refused(&error.into_inner().source, "unsampled");
        }
    }
}

/// Looks at refused requests, one after the other.
pub struct Keeper {
    queue: mpsc::Receiver<Refused>,
    sources: Arc<Sources>,
    store: Arc<dyn Store>,
    budget: RejectedBudget,
    clock: Arc<dyn Clock>,
    sampler: Sampler,
}

impl Keeper {
    /// A keeper, and the log it reads from.
    #[must_use]
    pub fn new(
        sources: Arc<Sources>,
        store: Arc<dyn Store>,
        budget: RejectedBudget,
        clock: Arc<dyn Clock>,
    ) -> (RefusalLog, Self) {
        let (sender, queue) = mpsc::channel(MAX_WAITING);
        let keeper = Self {
            queue,
            sources,
            store,
            budget,
            clock,
            sampler: Sampler::new(SAMPLES_PER_SECOND),
        };
        (RefusalLog(sender), keeper)
    }

    /// Keeps aside until `closing`, and then what still waits.
    pub async fn run(mut self, closing: CancellationToken) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                _ = sweep.tick() => self.sweep().await,
                count = self.queue.recv_many(&mut batch, MAX_BATCH) => match count {
                    0 => return,
                    _ => self.step(batch.drain(..)).await,
                }
            }
        }
    }

    /// Looks at a batch, and keeps aside what may be authentic after all.
    async fn step(&mut self, batch: impl Iterator<Item = Refused>) {
        let mut kept = Vec::new();
        // The bodies' memory is given back only when they are stored.
        let mut memories = Vec::new();
        for refused in batch {
            if let Some((request, memory)) = self.look_at(refused) {
                kept.push(request);
                memories.push(memory);
            }
        }
        if kept.is_empty() {
            return;
        }
        if let Err(error) = self
            .store
            .keep_rejected(&kept, &self.budget, self.clock.now())
            .await
        {
            error!(
                ?error,
                requests = kept.len(),
                "refused requests could not be kept aside"
            );
        }
    }

    /// Removes what has grown too old, also of sources where nothing new is refused.
    async fn sweep(&self) {
        for source in self.sources.keys() {
            if let Err(error) = self
                .store
                .prune_rejected(source, &self.budget, self.clock.now())
                .await
            {
                error!(?error, source.name = %source, "old refused requests could not be removed");
            }
        }
    }

    fn look_at(&mut self, refused: Refused) -> Option<(RejectedRequest, Reservation)> {
        let Refused {
            source,
            received_at,
            why,
        } = refused;
        let sample = self.sampler.next(received_at);
        let diagnosed = matches!(sample, Sample::Taken { .. });
        let (reason, remedy) = match &why {
            Why::Malformed(refusal) => (refusal.as_str(), refusal.remedy()),
            Why::Unverified { request, .. } => {
                let provider = self.sources.get(&source).map(Source::provider);
                let refusal = match provider {
                    Some(provider) if diagnosed => provider.diagnose(request),
                    _ => Refusal::Mismatch,
                };
                (refusal.as_str(), refusal.remedy())
            }
            Why::NotTaken { code, remedy } => (*code, *remedy),
        };
        metrics::refused(&source, reason);
        if let Sample::Taken { held_back } = sample {
            if held_back > 0 {
                warn!(
                    refusals = held_back,
                    "more webhooks were refused than are logged one by one"
                );
            }
            warn!(source.name = %source, refusal.reason = reason, refusal.remedy = remedy, "webhook refused");
        }
        let Why::Unverified {
            request,
            headers,
            memory,
        } = why
        else {
            return None;
        };
        let request = RejectedRequest {
            source,
            received_at,
            reason,
            headers,
            body: request.body,
        };
        Some((request, memory))
    }
}
