//! Carries deliveries to a sink, and decides what becomes of each.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use rand::{Rng, rngs::SmallRng};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    call::{Call, Carrier, Done, Verdict, cut_short},
    outlet::Job,
    render::{Renderer, payload},
    retry,
};
use crate::{
    domain::{Attempt, Clock, EventRecord, Name, Outcome, Timestamp},
    sampling::{Sample, Sampler},
    sinks::{Fault, Filter, Message, Receipt, Retry, Sink, SinkError},
};

/// What an error may say in the database: the first line tells most.
const LONGEST_ERROR: usize = 2000;

/// One sink, with what it wants and how it wants it.
pub(super) struct Courier {
    pub(super) name: Name,
    pub(super) sink: Box<dyn Sink>,
    pub(super) filter: Option<Filter>,
    pub(super) renderer: Renderer,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    pub(super) clock: Arc<dyn Clock>,
    /// Ends the calls that are under way.
    pub(super) hurry: CancellationToken,
    /// Bounds the warnings of a filter that fails on many events.
    pub(super) undecided: Mutex<Sampler>,
}

/// What is to become of a job before the sink is called.
enum Prepared {
    Send(Message),
    Settled(Outcome),
}

#[async_trait]
impl Carrier for Courier {
    fn max_batch(&self) -> usize {
        self.sink.max_batch()
    }

    fn linger(&self) -> Duration {
        self.sink.linger()
    }

    /// A fault of ours costs an attempt.
    async fn carry(&self, jobs: &[Job], rng: &mut SmallRng) -> Call {
        let call = AssertUnwindSafe(self.carry_all(jobs, &mut *rng)).catch_unwind();
        if let Ok(call) = call.await {
            return call;
        }
        let fault = || Err(SinkError::retry("the receiver has a fault, see the log"));
        let results = jobs.iter().map(|job| {
            let (outcome, _) = self.outcome(fault(), job.attempts + 1, rng);
            Done::unrecorded(outcome, None)
        });
        Call {
            results: results.collect(),
            verdict: Verdict::NotCalled,
        }
    }

    fn hurry(&self) {
        self.hurry.cancel();
    }

    async fn close(&self) {
        self.sink.close().await;
    }
}

impl Courier {
    async fn carry_all(&self, jobs: &[Job], rng: &mut SmallRng) -> Call {
        let (messages, settled) = self.prepare_all(jobs).await;
        if messages.is_empty() {
            let outcomes = settled.into_iter().flatten();
            let results = outcomes.map(|outcome| Done::unrecorded(outcome, None));
            return Call {
                results: results.collect(),
                verdict: Verdict::NotCalled,
            };
        }
        if self.hurry.is_cancelled() {
            return interrupted(settled, None);
        }
        let started_at = self.clock.now();
        let started = Instant::now();
        let answers = self.call(&messages).await;
        let duration = started.elapsed();
        let Some(answers) = answers else {
            return interrupted(settled, Some((started_at, duration)));
        };

        let verdict = verdict(&answers);
        let mut answers = answers.into_iter();
        let mut answer_of = |job: &Job| {
            let answer = answers.next().unwrap_or_else(|| {
                Err(SinkError::retry("the sink did not tell what became of it"))
            });
            let (outcome, receipt) = self.outcome(answer, job.attempts + 1, rng);
            let attempt = Attempt {
                started_at,
                duration,
                status_code: receipt.status_code,
                response: receipt.response.map(|text| storable(&text)),
            };
            Done::unrecorded(outcome, Some(attempt))
        };
        let results = jobs
            .iter()
            .zip(settled)
            .map(|(job, settled)| match settled {
                Some(outcome) => Done::unrecorded(outcome, None),
                None => answer_of(job),
            });
        Call {
            results: results.collect(),
            verdict,
        }
    }

    /// What is to be sent, and for each job what became of it already, if anything.
    async fn prepare_all(&self, jobs: &[Job]) -> (Vec<Message>, Vec<Option<Outcome>>) {
        let mut messages = Vec::with_capacity(jobs.len());
        let mut settled = Vec::with_capacity(jobs.len());
        for job in jobs {
            match self.prepare(&job.event) {
                Prepared::Send(message) => {
                    messages.push(message);
                    settled.push(None);
                }
                Prepared::Settled(outcome) => settled.push(Some(outcome)),
            }
            // An expression or a template may take its time, and others want to run.
            tokio::task::yield_now().await;
        }
        (messages, settled)
    }

    /// A fault of ours costs one delivery, not the worker that would wait for it for ever.
    fn prepare(&self, event: &EventRecord) -> Prepared {
        let prepared = catch_unwind(AssertUnwindSafe(|| self.filter_and_render(event)));
        prepared.unwrap_or_else(|_| {
            Prepared::Settled(Outcome::Dead {
                error:
                    "the receiver has a fault: no message could be made of this event, see the log"
                        .into(),
            })
        })
    }

    fn filter_and_render(&self, event: &EventRecord) -> Prepared {
        if let Some(filter) = &self.filter
            && !self.wants(filter, event)
        {
            return Prepared::Settled(Outcome::Cancelled {
                reason: "declined by `when`".into(),
            });
        }
        match self.renderer.render(event) {
            Ok(message) => Prepared::Send(message),
            Err(error) => Prepared::Settled(Outcome::Dead {
                error: storable(&error.to_string()),
            }),
        }
    }

    /// What an expression cannot decide is delivered: nothing is dropped because of a mistake in it.
    fn wants(&self, filter: &Filter, event: &EventRecord) -> bool {
        let decision = filter.decide(&event.summary, &payload(event));
        decision.unwrap_or_else(|error| {
            let mut undecided = self
                .undecided
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Sample::Taken { held_back } = undecided.next(Instant::now()) {
                warn!(
                    sink.name = %self.name,
                    event.id = %event.summary.id,
                    error = %error,
                    unlogged = held_back,
                    "`when` fails on this event, so it is delivered"
                );
            }
            true
        })
    }

    /// Calls the sink, and waits no longer than its timeout. `None` when the call was cut short.
    async fn call(&self, messages: &[Message]) -> Option<Vec<Result<Receipt, SinkError>>> {
        let call = AssertUnwindSafe(self.sink.deliver(messages)).catch_unwind();
        let why = tokio::select! {
            biased;
            answered = tokio::time::timeout(self.timeout, call) => match answered {
                Ok(Ok(answers)) => return Some(answers),
                Ok(Err(_)) => "the sink panicked, see the log".to_owned(),
                Err(_) => format!(
                    "no answer within {} (timeout)",
                    humantime::format_duration(self.timeout)
                ),
            },
            () = self.hurry.cancelled() => return None,
        };
        let answers = messages.iter().map(|_| Err(SinkError::retry(why.as_str())));
        Some(answers.collect())
    }

    fn outcome(
        &self,
        answer: Result<Receipt, SinkError>,
        attempts: u32,
        rng: &mut impl Rng,
    ) -> (Outcome, Receipt) {
        match answer {
            Ok(receipt) => (Outcome::Delivered, receipt),
            Err(SinkError::Reject { failure, .. }) => (
                Outcome::Dead {
                    error: storable(&failure.what),
                },
                failure.receipt,
            ),
            Err(SinkError::Retry { after, failure }) => (
                Outcome::Retry {
                    error: storable(&failure.what),
                    delay: retry::delay(&self.retry, attempts, after, rng),
                    give_up_after: self.retry.give_up_after,
                },
                failure.receipt,
            ),
        }
    }
}

/// What to do about a call that was not made, or not to its end.
fn interrupted(settled: Vec<Option<Outcome>>, call: Option<(Timestamp, Duration)>) -> Call {
    let attempt = call.map(|(started_at, duration)| Attempt {
        started_at,
        duration,
        status_code: None,
        response: None,
    });
    let results = settled.into_iter().map(|settled| match settled {
        Some(outcome) => Done::unrecorded(outcome, None),
        None => Done::unrecorded(cut_short(), attempt.clone()),
    });
    Call {
        results: results.collect(),
        verdict: Verdict::NotCalled,
    }
}

fn verdict(answers: &[Result<Receipt, SinkError>]) -> Verdict {
    let mut longest = None;
    let mut why = String::new();
    for answer in answers {
        match answer {
            Err(SinkError::Retry { after, failure }) => {
                longest = longest.max(*after);
                why.clone_from(&failure.what);
            }
            Err(SinkError::Reject {
                failure,
                fault: Fault::Setup,
            }) => why.clone_from(&failure.what),
            Ok(_) | Err(SinkError::Reject { .. }) => return Verdict::Works,
        }
    }
    Verdict::Fails {
        asked_for: longest,
        why,
    }
}

/// Text that every database takes, and that is not too long.
fn storable(text: &str) -> String {
    let mut text = text.replace('\0', "\u{fffd}");
    if text.len() > LONGEST_ERROR {
        text.truncate(text.floor_char_boundary(LONGEST_ERROR));
        text.push('…');
    }
    text
}
