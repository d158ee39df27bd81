//! The group committer: while one batch commits, what arrives meanwhile forms the next.
//!
//! There is no artificial delay: a lone event is committed at once, and the slower the database, the
//! larger the batches. What the database does not take goes to the spool.

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, instrument};

use super::{
    Acknowledgement, Gate, Submission,
    batch::{BatchLimits, next},
    inserter::{Effort, Inserter},
    queue::{Pace, Queue},
};
use crate::{
    metrics,
    sampling::{Sample, Sampler},
    store::StoreError,
};

/// Commits what was submitted, batch by batch.
pub struct Committer {
    pub(super) queue: mpsc::Receiver<Submission>,
    pub(super) pace: Pace,
    pub(super) limits: BatchLimits,
    pub(super) inserter: Inserter,
    pub(super) gate: Gate,
    /// Where the database's leftovers go.
    pub(super) spool: Queue,
    /// One line a second says that commits fail.
    pub(super) failures: Sampler,
}

impl Committer {
    /// Commits until `closing`, and then what is still queued.
    pub async fn run(mut self, closing: CancellationToken) {
        while let Some(first) = next(&mut self.queue, &closing).await {
            self.step(first).await;
        }
    }

    /// Commits `first` with what is queued behind it, and answers everybody.
    #[instrument(name = "intake.commit", skip_all, fields(batch.events))]
    async fn step(&mut self, first: Submission) {
        let batch = self.limits.gather(first, &mut self.queue).await;
        tracing::Span::current().record("batch.events", batch.len());
        if self.gate.is_open() {
            self.pace.begin();
            self.commit(batch).await;
            self.pace.end();
        } else {
            for submission in batch {
                submission.spool(&self.spool);
            }
        }
    }

    /// Commits a batch, for as long as its first event is to be waited for.
    async fn commit(&mut self, batch: Vec<Submission>) {
        metrics::batch_size(batch.len());
        let Some(deadline) = batch.first().map(|first| first.deadline) else {
            return;
        };
        let (events, mut waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|submission| {
                let (event, sender) = submission.into_parts();
                (event, Some(sender))
            })
            .unzip();
        let leftover = self
            .inserter
            .insert(events, Effort::Until(deadline), |index, insertion| {
                if let Some(sender) = waiting[index].take() {
                    sender.answer(Ok(Acknowledgement::Committed(insertion)));
                }
            })
            .await;
        let mut spool = |index: usize, event| {
            if let Some(sender) = waiting[index].take() {
                let submission = Submission {
                    event,
                    sender,
                    deadline,
                };
                submission.spool(&self.spool);
            }
        };
        for (index, event, why) in leftover.refused {
            error!(
                error = why,
                event.source = %event.source,
                event.delivery_id = event.delivery_id,
                "the database refuses an event; it is kept in the spool"
            );
            spool(index, event);
        }
        let untaken = leftover.untaken.len();
        for (index, event) in leftover.untaken {
            spool(index, event);
        }
        if let Some(cause) = leftover.cause {
            self.report(&cause, untaken);
        }
    }

    fn report(&mut self, cause: &StoreError, events: usize) {
        metrics::commit_failed();
        if let Sample::Taken { held_back } = self.failures.next(Instant::now()) {
            error!(
                error = ?cause,
                batch.events = events,
                unlogged = held_back,
                "commit failed"
            );
        }
        self.gate.close(cause);
    }
}
