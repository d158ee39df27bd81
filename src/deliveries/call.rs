//! One call on behalf of a batch, and what came of it.

use std::time::Duration;

use async_trait::async_trait;
use rand::rngs::SmallRng;

use super::outlet::Job;
use crate::domain::{Attempt, Outcome};

/// Takes batches to where they are to go.
#[async_trait]
pub(super) trait Carrier: Send + Sync {
    /// So many jobs at once, at most.
    fn max_batch(&self) -> usize;

    /// How long a batch may gather.
    fn linger(&self) -> Duration;

    /// Takes a batch there. It panics never.
    async fn carry(&self, jobs: &[Job], rng: &mut SmallRng) -> Call;

    /// Cuts short what is under way.
    fn hurry(&self);

    /// Nothing more comes.
    async fn close(&self);
}

/// How a call went.
#[derive(Debug)]
pub(super) struct Call {
    /// For each job, in the order given.
    pub(super) results: Vec<Done>,
    pub(super) verdict: Verdict,
}

/// What became of a job.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    /// Nothing where the call was not made for it.
    pub(super) attempt: Option<Attempt>,
    /// Written down already, together with what the call did.
    pub(super) is_recorded: bool,
}

/// What a call says of the sink as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It took something, or refused a message for what it is: it works.
    Works,
    /// It took nothing, and would have taken nothing else; it may have asked for time.
    Fails {
        asked_for: Option<Duration>,
        why: String,
    },
    /// It was not called.
    NotCalled,
}

impl Done {
    /// To be written down, with the attempt if there was one.
    pub(super) fn unrecorded(outcome: Outcome, attempt: Option<Attempt>) -> Self {
        Self {
            outcome,
            attempt,
            is_recorded: false,
        }
    }
}

/// What was cut short is due again at once, however old it is: that was nobody's fault.
pub(super) fn cut_short() -> Outcome {
    Outcome::Retry {
        error: "the receiver stopped before there was an answer".into(),
        delay: Duration::ZERO,
        give_up_after: Duration::MAX,
    }
}
