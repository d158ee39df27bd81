//! Delivers to one sink: takes what is handed over and what is due, sends it, and says what became of it.
//!
//! The worker alone has its state, so nothing in it is locked. What takes time runs beside it: calls to the sink,
//! and errands to the database. It never waits for the one while the other could go on.

mod leases;

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use rand::{SeedableRng, rngs::SmallRng};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::leases::LOOK;
use super::{
    breaker::{Breaker, Permit},
    call::{Call, Carrier, Done, Verdict},
    errands::{Answer, Claimant},
    outlet::{Job, Lane},
    queue::Queue,
    settler::Settled,
};
use crate::{
    domain::{Clock, EventId, Name, Outcome, Settlement},
    metrics::SinkMetrics,
    sampling::{Sample, Sampler},
    sinks::Retry,
};

/// How long the last calls may take when the receiver stops.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// A failure is due again so long after it is recorded, which takes a moment.
const RECORDING: Duration = Duration::from_millis(50);

/// Takes one sink's deliveries to it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and all of them go together"
)]
pub(super) struct Worker {
    name: Name,
    carrier: Arc<dyn Carrier>,
    clock: Arc<dyn Clock>,
    claimant: Claimant,
    arrivals: mpsc::UnboundedReceiver<Job>,
    settlements: mpsc::UnboundedSender<Settled>,
    concurrency: usize,
    /// With so many of a lane waiting in memory, no more of it are claimed.
    enough: usize,
    queue: Queue,
    calls: JoinSet<Ended>,
    under_way: HashSet<EventId>,
    backlog_calls: usize,
    breaker: Breaker,
    errands: JoinSet<Answer>,
    /// Every lease we have, and until when it runs at least.
    leases: HashMap<EventId, Instant>,
    claiming: bool,
    /// The last claim left the backlog out, as enough of it was in memory.
    backlog_left_out: bool,
    renewing: bool,
    /// When to look for due deliveries.
    look_at: Instant,
    /// When the first failure known here is due again: looks in between must not put that off.
    retry_at: Option<Instant>,
    /// When the last claim began.
    claimed_at: Option<Instant>,
    /// When to look for leases that are about to end.
    renew_at: Instant,
    /// When to ask whether what waits is still wanted.
    check_at: Instant,
    database_fails: bool,
    metrics: SinkMetrics,
    /// Bounds the warnings of many that die together.
    dead: Sampler,
    rng: SmallRng,
}

/// A call that has ended.
struct Ended {
    jobs: Vec<Job>,
    call: Call,
    /// How often the breaker had opened when it began.
    openings: u64,
}

impl Worker {
    pub(super) fn new(
        carrier: Arc<dyn Carrier>,
        claimant: Claimant,
        clock: Arc<dyn Clock>,
        retry: Retry,
        concurrency: NonZeroUsize,
        arrivals: mpsc::UnboundedReceiver<Job>,
        settlements: mpsc::UnboundedSender<Settled>,
    ) -> Self {
        Self {
            metrics: SinkMetrics::of(&claimant.outlet.name),
            dead: Sampler::new(1),
            queue: Queue::new(carrier.max_batch()),
            breaker: Breaker::new(retry),
            enough: (2 * concurrency.get() * carrier.max_batch()).clamp(32, 128),
            name: claimant.outlet.name.clone(),
            carrier,
            clock,
            claimant,
            arrivals,
            settlements,
            concurrency: concurrency.get(),
            calls: JoinSet::new(),
            under_way: HashSet::new(),
            backlog_calls: 0,
            errands: JoinSet::new(),
            leases: HashMap::new(),
            claiming: false,
            backlog_left_out: false,
            renewing: false,
            look_at: Instant::now(),
            retry_at: None,
            claimed_at: None,
            renew_at: Instant::now(),
            check_at: Instant::now(),
            database_fails: false,
            rng: SmallRng::from_rng(&mut rand::rng()),
        }
    }

    /// Delivers until `closing`, and then ends what is under way.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        while !closing.is_cancelled() {
            self.start();
            tokio::select! {
                () = closing.cancelled() => {}
                () = self.step() => {}
            }
        }
        self.stop().await;
    }

    /// Starts whatever can be started now.
    fn start(&mut self) {
        let now = Instant::now();
        self.start_calls(now);
        self.start_claim(now);
        self.start_renewal(now);
        self.start_check(now);
    }

    /// Waits for the next thing to happen, and takes note of it.
    async fn step(&mut self) {
        let wake_at = self.wake_at();
        tokio::select! {
            Some(call) = self.calls.join_next() => {
                // A call catches its own panics, so none is lost.
                if let Ok(ended) = call {
                    self.finish(ended);
                }
            }
            Some(job) = self.arrivals.recv() => {
                self.accept(job);
                while let Ok(job) = self.arrivals.try_recv() {
                    self.accept(job);
                }
            }
            Some(answer) = self.errands.join_next() => self.hear_or_go_on(answer.ok()),
            () = self.claimant.outlet.wake.notified() => self.look_at = Instant::now(),
            () = sleep_until(wake_at) => {}
        }
    }

    /// When something has to be done though nothing happens.
    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let probe_at = match self.breaker.permit(now) {
            Permit::NotBefore(probe_at) => Some(probe_at),
            _ => None,
        };
        // What is late already waits for something else: room, or the end of a call.
        [
            Some(self.look_at),
            Some(self.renew_at),
            (self.queue.len() > 0).then_some(self.check_at),
            self.retry_look(),
            probe_at,
            self.queue.next_at(),
        ]
        .into_iter()
        .flatten()
        .filter(|at| *at > now)
        .min()
        .unwrap_or(now + LOOK)
    }

    fn start_calls(&mut self, now: Instant) {
        // Half of the calls, so that deliveries which fail slowly leave the others to the fresh ones.
        let most_backlog = self.concurrency.div_ceil(2);
        while self.calls.len() < self.concurrency {
            let batch = match self.breaker.permit(now) {
                Permit::All => self.queue.next(self.backlog_calls < most_backlog, now),
                Permit::Probe => self.queue.next_probe(),
                Permit::NotBefore(_) | Permit::NotDuringProbe => None,
            };
            let Some(mut batch) = batch else { return };
            // A lease that has run out may be somebody else's by now.
            batch.retain(|job| {
                let lease = self.leases.get(&job.event.summary.id);
                let is_ours = lease.is_some_and(|until| *until > now);
                if !is_ours {
                    self.leases.remove(&job.event.summary.id);
                }
                is_ours
            });
            let Some(first) = batch.first() else { continue };
            if first.lane == Lane::Backlog {
                self.backlog_calls += 1;
            }
            self.under_way
                .extend(batch.iter().map(|job| job.event.summary.id));
            self.breaker.probe();
            let carrier = Arc::clone(&self.carrier);
            let mut rng = SmallRng::from_rng(&mut self.rng);
            let openings = self.breaker.openings();
            self.calls.spawn(async move {
                let call = carrier.carry(&batch, &mut rng).await;
                Ended {
                    jobs: batch,
                    call,
                    openings,
                }
            });
        }
    }

    fn accept(&mut self, job: Job) {
        self.leases.insert(job.event.summary.id, job.leased_until);
        if job.lane == Lane::Fresh && !self.breaker.is_closed() && self.queue.len() > 0 {
            self.release(&[job]);
        } else {
            self.queue.push(job);
        }
    }

    /// Notes what became of a batch.
    fn finish(&mut self, ended: Ended) {
        let now = Instant::now();
        let Ended {
            jobs,
            call,
            openings,
        } = ended;
        if jobs.first().is_some_and(|job| job.lane == Lane::Backlog) {
            self.backlog_calls -= 1;
        }
        self.judge(call.verdict, openings, now);
        for (job, done) in jobs.into_iter().zip(call.results) {
            self.settle(job, done, now);
        }
    }

    fn judge(&mut self, verdict: Verdict, openings: u64, now: Instant) {
        let sink = &*self.name;
        match verdict {
            Verdict::Works => {
                if !self.breaker.is_closed() {
                    info!(sink.name = sink, "the sink works again");
                    self.metrics.breaker_open(false);
                    self.look_at = now;
                }
                self.breaker.succeeded();
            }
            Verdict::Fails { asked_for, why } => {
                let was_closed = self.breaker.is_closed();
                if self.breaker.failed(openings, asked_for, now, &mut self.rng) {
                    if was_closed {
                        warn!(
                            sink.name = sink,
                            error = why,
                            "the sink is down: deliveries wait, and it is probed until it works again"
                        );
                        self.metrics.breaker_open(true);
                    }
                    self.claimant.outlet.set_keeps_up(false);
                    let waiting = self.queue.take(|_| true);
                    self.release(&waiting);
                }
            }
            Verdict::NotCalled => self.breaker.did_not_probe(openings, now),
        }
    }

    fn settle(&mut self, job: Job, done: Done, now: Instant) {
        let summary = &job.event.summary;
        self.leases.remove(&summary.id);
        self.under_way.remove(&summary.id);
        match &done.outcome {
            Outcome::Delivered => {
                let after = self.clock.now() - summary.received_at;
                self.metrics.delivered(after.to_std().unwrap_or_default());
            }
            Outcome::Retry { delay, .. } => {
                self.metrics.failed();
                let retry_at = now + *delay + RECORDING;
                self.retry_at = Some(self.retry_at.map_or(retry_at, |known| known.min(retry_at)));
            }
            Outcome::Dead { error } => {
                self.metrics.rejected();
                if let Sample::Taken { held_back } = self.dead.next(now) {
                    warn!(
                        sink.name = %self.name,
                        event.id = %summary.id,
                        error,
                        unlogged = held_back,
                        "a delivery is dead; mend the cause, then `deliveries retry`"
                    );
                }
            }
            Outcome::Cancelled { .. } => self.metrics.cancelled(),
        }
        if done.is_recorded {
            // There is room for what waits in the database.
            if !self.claimant.outlet.keeps_up() {
                self.look_at = now;
            }
            return;
        }
        let settled = Settled {
            settlement: Settlement {
                event: summary.id,
                sink: self.name.clone(),
                outcome: done.outcome,
                attempt: done.attempt,
            },
            outlet: Arc::clone(&self.claimant.outlet),
            place: job.place,
        };
        // The settler ends after the workers.
        self.settlements.send(settled).ok();
    }

    async fn finish_calls(&mut self) {
        while let Some(call) = self.calls.join_next().await {
            if let Ok(ended) = call {
                self.finish(ended);
            }
        }
    }

    /// Ends what is under way, and gives back what is not, so that another receiver can go on at once.
    async fn stop(mut self) {
        self.claimant.outlet.set_keeps_up(false);
        self.arrivals.close();
        if timeout(LAST_CALLS, self.finish_calls()).await.is_err() {
            self.carrier.hurry();
            self.finish_calls().await;
        }
        while let Ok(job) = self.arrivals.try_recv() {
            self.accept(job);
        }
        while let Some(answer) = self.errands.join_next().await {
            if let Ok(Answer::Claimed(Ok(claimed))) = answer {
                self.take_up(claimed);
            }
        }
        let events: Vec<EventId> = self.leases.keys().copied().collect();
        if !events.is_empty()
            && let Answer::Released(Err(error)) = self.claimant.clone().release(events).await
        {
            warn!(sink.name = %self.name, ?error, "leases were not given back; they run out by themselves");
        }
        self.carrier.close().await;
    }
}
