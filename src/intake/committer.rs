//! The group committer: while one batch commits, what arrives meanwhile forms the next.
//!
//! There is no artificial delay: a lone event is committed at once, and the slower the database, the
//! larger the batches.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, instrument};

use super::{Config, IntakeError, Outbox, Submission};
use crate::{
    domain::{Insertion, NewEvent},
    metrics,
    sampling::{Sample, Sampler},
    store::{Store, StoreError},
};

/// A commit that hangs for so long is given up together with its connection. Longer than anybody waits
/// for it, as a commit that comes late still saves the event.
const HANGING: Duration = Duration::from_secs(10);
/// Between two tries of a batch that the database was not there for.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// After a failure, it is worth another delivery to see whether commits still fail.
const FAILURE_COUNTS: Duration = Duration::from_secs(5);

/// How the last commits went. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Commits(Arc<Mutex<Option<Instant>>>);

impl Commits {
    /// Whether the last commit failed, and that a short while ago.
    #[must_use]
    pub fn are_failing(&self) -> bool {
        let failed_at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|failed_at| failed_at.elapsed() < FAILURE_COUNTS)
    }

    fn note(&self, failed_at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failed_at;
    }
}

/// Commits what was submitted, batch by batch.
pub struct Committer {
    queue: mpsc::Receiver<Submission>,
    store: Arc<dyn Store>,
    outbox: Arc<dyn Outbox>,
    max_batch: usize,
    max_batch_bytes: u64,
    /// How long a batch is tried again: as long as its first event is waited for.
    patience: Duration,
    /// While the database is away, each batch fails, and one line a second says so.
    failures: Sampler,
    commits: Commits,
}

impl Committer {
    pub(super) fn new(
        queue: mpsc::Receiver<Submission>,
        store: Arc<dyn Store>,
        outbox: Arc<dyn Outbox>,
        config: &Config,
        patience: Duration,
    ) -> Self {
        Self {
            queue,
            store,
            outbox,
            max_batch: config.max_batch,
            max_batch_bytes: config.max_batch_size.as_u64(),
            patience,
            failures: Sampler::new(1),
            commits: Commits::default(),
        }
    }

    /// Where to see how commits go.
    #[must_use]
    pub fn commits(&self) -> Commits {
        self.commits.clone()
    }

    /// Commits until `closing`, and then what is still queued.
    pub async fn run(mut self, closing: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                first = self.queue.recv() => match first {
                    Some(first) => self.step(first).await,
                    None => return,
                }
            }
        }
    }

    /// Commits `first` with what is queued behind it, and answers everybody.
    #[instrument(name = "intake.commit", skip_all, fields(batch.events))]
    async fn step(&mut self, first: Submission) {
        let batch = self.fill(first).await;
        tracing::Span::current().record("batch.events", batch.len());
        metrics::batch_size(batch.len());
        let mut events = Vec::with_capacity(batch.len());
        let mut waiting = Vec::with_capacity(batch.len());
        for mut submission in batch {
            self.outbox.before_commit(&mut submission.event);
            events.push(submission.event);
            waiting.push(Some((submission.reply, submission.memory)));
        }
        let mut stored = vec![None; events.len()];
        self.commit(&events, |index, outcome| {
            if let Ok(Insertion::Stored(id)) = outcome {
                stored[index] = Some(id);
            }
            if let Some((reply, _memory)) = waiting[index].take() {
                // Nobody waits any more: the event is stored all the same.
                reply.send(outcome).ok();
            }
        })
        .await;
        for (event, id) in events.into_iter().zip(stored) {
            if let Some(id) = id {
                self.outbox.after_commit(id, event);
            }
        }
    }

    /// Takes what is queued. Those who were answered together post again together: as long as each look
    /// finds more, the others are let run and there is another look, rather than to commit the first of
    /// them alone while all the others wait. No time passes where nobody comes.
    async fn fill(&mut self, first: Submission) -> Vec<Submission> {
        let mut bytes = first.event.body.len() as u64;
        let mut batch = vec![first];
        loop {
            let before = batch.len();
            while batch.len() < self.max_batch && bytes < self.max_batch_bytes {
                let Ok(next) = self.queue.try_recv() else {
                    break;
                };
                bytes += next.event.body.len() as u64;
                batch.push(next);
            }
            tokio::task::yield_now().await;
            let is_full = batch.len() >= self.max_batch || bytes >= self.max_batch_bytes;
            if is_full || (batch.len() == before && self.queue.is_empty()) {
                return batch;
            }
        }
    }

    /// Inserts the events, halving a batch that holds a row the database refuses, until it stands alone.
    async fn commit(
        &mut self,
        events: &[NewEvent],
        mut answer: impl FnMut(usize, Result<Insertion, IntakeError>),
    ) {
        let mut parts = vec![(0, events)];
        while let Some((start, part)) = parts.pop() {
            match self.insert(part).await {
                Ok(insertions) => {
                    for (index, insertion) in (start..).zip(insertions) {
                        answer(index, Ok(insertion));
                    }
                }
                Err(StoreError::Refused(_)) if part.len() > 1 => {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([(start + left.len(), right), (start, left)]);
                }
                Err(error) => {
                    self.report(&error, part);
                    for index in start..start + part.len() {
                        answer(index, Err(IntakeError::Unavailable));
                    }
                }
            }
        }
    }

    /// Inserts one batch, trying again for as long as its first event is waited for.
    async fn insert(&self, events: &[NewEvent]) -> Result<Vec<Insertion>, StoreError> {
        let started = Instant::now();
        loop {
            let commit = tokio::time::timeout(HANGING, self.store.insert_events(events));
            let error = match commit.await {
                Ok(Ok(insertions)) => {
                    metrics::commit_seconds(started.elapsed());
                    self.commits.note(None);
                    return Ok(insertions);
                }
                Ok(Err(error)) => error,
                Err(_) => StoreError::Hanging,
            };
            let again = error.is_transient() && started.elapsed() + RETRY_PAUSE < self.patience;
            if !again {
                return Err(error);
            }
            debug!(?error, "commit failed, trying again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    fn report(&mut self, error: &StoreError, events: &[NewEvent]) {
        metrics::commit_failed();
        if let (StoreError::Refused(_), [event]) = (error, events) {
            error!(
                ?error,
                event.source = %event.source,
                event.delivery_id = event.delivery_id,
                "the database refuses an event"
            );
            return;
        }
        self.commits.note(Some(Instant::now()));
        if let Sample::Taken { held_back } = self.failures.next(Instant::now()) {
            let events = events.len();
            error!(
                ?error,
                batch.events = events,
                unlogged = held_back,
                "commit failed"
            );
        }
    }
}
