//! Commits to the spool what the database does not take now, in batches as the committer does.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    Acknowledgement, Gate, IntakeError, Submission,
    batch::{BatchLimits, next},
    queue::Pace,
    trouble::Trouble,
};
use crate::{
    domain::NewEvent,
    metrics,
    sampling::{Sample, Sampler},
    spool::Spool,
};

/// A disk that takes longer has failed.
pub(super) const HANGING: Duration = Duration::from_secs(5);

/// Makes durable in the spool what was handed in, batch by batch.
pub struct Spooler {
    pub(super) queue: mpsc::Receiver<Submission>,
    pub(super) pace: Pace,
    pub(super) limits: BatchLimits,
    pub(super) spool: Arc<Spool>,
    pub(super) gate: Gate,
    pub(super) trouble: Trouble,
    /// One line a second says that the spool fails.
    pub(super) failures: Sampler,
}

impl Spooler {
    /// Spools until `closing`, and then what is still queued.
    pub async fn run(mut self, closing: CancellationToken) {
        while let Some(first) = next(&mut self.queue, &closing).await {
            self.step(first).await;
        }
    }

    /// Spools `first` with what is queued behind it, and answers everybody.
    async fn step(&mut self, first: Submission) {
        let batch = self.limits.gather(first, &mut self.queue).await;
        self.pace.begin();
        let (events, waiting): (Vec<_>, Vec<_>) =
            batch.into_iter().map(Submission::into_parts).unzip();
        let outcome = if self.push(&events).await {
            Ok(Acknowledgement::Spooled)
        } else {
            Err(IntakeError::Unavailable)
        };
        for sender in waiting {
            sender.answer(outcome);
        }
        self.pace.end();
        self.gate.spooled();
    }

    async fn push(&mut self, events: &[NewEvent]) -> bool {
        let why = match timeout(HANGING, self.spool.push(events)).await {
            Ok(Ok(())) => {
                self.trouble.note(false);
                metrics::spooled(events.len());
                return true;
            }
            Ok(Err(error)) => format!("{error:?}"),
            Err(_) => "the disk of spool.dir does not answer".to_owned(),
        };
        self.trouble.note(true);
        if let Sample::Taken { held_back } = self.failures.next(Instant::now()) {
            error!(
                error = why,
                batch.events = events.len(),
                unlogged = held_back,
                "neither the database nor the spool takes deliveries: their senders are told to come back"
            );
        }
        false
    }
}
