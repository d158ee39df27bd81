//! Fills the typed tables: the sink `tables`, whose rows are written with the record that they are.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rand::rngs::SmallRng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    call::{Call, Carrier, Done, Verdict, cut_short},
    outlet::Job,
    retry,
};
use crate::{
    domain::{Attempt, Clock, Name, Outcome, Rows, Settlement},
    projections::project,
    sinks::Retry,
    store::{Store, StoreError},
};

/// Nobody waits for the tables, but for a transaction each many events would.
const LINGER: Duration = Duration::from_millis(20);

/// Joins what events say into the typed tables.
pub(super) struct Projector {
    pub(super) name: Name,
    pub(super) store: Arc<dyn Store>,
    pub(super) holder: Arc<str>,
    pub(super) retry: Retry,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hurry: CancellationToken,
}

#[async_trait]
impl Carrier for Projector {
    fn max_batch(&self) -> usize {
        self.store.most_applied_at_once()
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    async fn carry(&self, jobs: &[Job], rng: &mut SmallRng) -> Call {
        let mut results = Vec::with_capacity(jobs.len());
        let mut parts = vec![jobs];
        let mut verdict = Verdict::Works;
        while let Some(part) = parts.pop() {
            let started = (self.clock.now(), Instant::now());
            let applied = tokio::select! {
                biased;
                applied = self.apply(part, started) => applied,
                () = self.hurry.cancelled() => {
                    verdict = Verdict::NotCalled;
                    results.extend(part.iter().map(|_| Done::unrecorded(cut_short(), None)));
                    continue;
                }
            };
            match applied {
                Ok(done) => results.extend(done),
                Err(StoreError::Refused(_)) if part.len() > 1 => {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right, left]);
                }
                Err(error) => {
                    let is_refused = matches!(error, StoreError::Refused(_));
                    if !is_refused {
                        verdict = Verdict::Fails {
                            asked_for: None,
                            why: error.to_string(),
                        };
                    }
                    let failed = |job: &Job| {
                        let outcome = if is_refused {
                            refused(&error)
                        } else {
                            self.failed(&error, job, rng)
                        };
                        Done::unrecorded(outcome, Some(attempt(started)))
                    };
                    results.extend(part.iter().map(failed));
                }
            }
        }
        Call { results, verdict }
    }

    fn hurry(&self) {
        self.hurry.cancel();
    }

    async fn close(&self) {}
}

type Started = (crate::domain::Timestamp, Instant);

impl Projector {
    /// Writes the rows of a batch, and that its deliveries are done.
    async fn apply(&self, jobs: &[Job], started: Started) -> Result<Vec<Done>, StoreError> {
        let mut rows = Rows::default();
        let mut faults = Vec::with_capacity(jobs.len());
        for job in jobs {
            let projected = project(&job.event);
            faults.push(projected.is_none());
            rows.extend(projected.into_iter().flatten());
            // Others want to run.
            tokio::task::yield_now().await;
        }
        let attempt = attempt(started);
        let outcomes = faults.into_iter().map(|has_fault| {
            if has_fault {
                let error = "the receiver has a fault: this event cannot be read, see the log";
                Outcome::Dead {
                    error: error.into(),
                }
            } else {
                Outcome::Delivered
            }
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        let settlements = jobs.iter().zip(&outcomes).map(|(job, outcome)| Settlement {
            event: job.event.summary.id,
            sink: self.name.clone(),
            outcome: outcome.clone(),
            attempt: Some(attempt.clone()),
        });
        let settlements: Vec<_> = settlements.collect();
        self.store.apply(&rows, &self.holder, &settlements).await?;
        let done = outcomes.into_iter().map(|outcome| Done {
            outcome,
            attempt: Some(attempt.clone()),
            is_recorded: true,
        });
        Ok(done.collect())
    }

    fn failed(&self, error: &StoreError, job: &Job, rng: &mut SmallRng) -> Outcome {
        Outcome::Retry {
            error: error.to_string(),
            delay: retry::delay(&self.retry, job.attempts + 1, None, rng),
            give_up_after: self.retry.give_up_after,
        }
    }
}

/// What no sender should be able to bring about.
fn refused(error: &StoreError) -> Outcome {
    Outcome::Dead {
        error: format!("the database refuses a row of this event: {error}; report it"),
    }
}

fn attempt((started_at, started): Started) -> Attempt {
    Attempt {
        started_at,
        duration: started.elapsed(),
        status_code: None,
        response: None,
    }
}
