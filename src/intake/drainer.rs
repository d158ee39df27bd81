//! Moves what is in the spool to the database, in order, and finds out when the database takes events again.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::{
    Config, Gate, Outbox,
    batch::BatchLimits,
    inserter::{Effort, Inserter, Leftover},
};
use crate::{
    domain::NewEvent,
    metrics,
    sampling::{Sample, Sampler},
    spool::{Spool, SpoolError, SpoolId},
    store::{Store, StoreError},
};

/// A commit that hangs for so long is given up together with its connection. Nobody waits for it.
const HANGING: Duration = Duration::from_secs(10);
/// While events go to the database, a batch out of the spool is small, and followed by a pause as long as it took: what
/// arrives meanwhile is to wait as little as it can.
const BESIDE_OTHERS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1 << 20,
};
/// A delivery that alone was not taken so often, while the database is well, is passed over.
const TRIES: u32 = 3;
/// Between two lines about a spool that cannot be read.
const REMINDER: Duration = Duration::from_mins(1);
/// Between two tries while the database takes nothing.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Without anything having happened, the spool is looked at so often: others may have put something in.
const LOOK: Duration = Duration::from_secs(15);
/// What the database has refused is tried again so often.
const SECOND_CHANCE: Duration = Duration::from_mins(10);

/// Empties the spool.
pub struct Drainer {
    pub(super) spool: Arc<Spool>,
    pub(super) inserter: Inserter,
    pub(super) gate: Gate,
    pub(super) limits: BatchLimits,
    /// After a batch that was not taken, it is tried in smaller parts: no more deliveries than this at once.
    portion: usize,
    /// How often the oldest delivery alone was not taken.
    failed_alone: u32,
    /// A database that takes longer for a batch is too slow for those who wait.
    pub(super) patience: Duration,
    /// Deliveries moved since the spool was empty.
    moved: u64,
    /// When it was said that the spool cannot be read.
    reminded_at: Option<Instant>,
    /// So many refused deliveries a second are told one by one.
    refusals: Sampler,
}

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There may be more.
    Again,
    /// Nothing waits.
    Empty,
    /// The database takes nothing, or the spool gives nothing.
    Failed,
}

/// What became of the deliveries in a spool.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drained {
    /// They are in the database, new or known before.
    pub moved: u64,
    /// The database refuses them; they stay in the spool.
    pub refused: u64,
}

/// Why a spool could not be emptied.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// The spool gives nothing.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database takes nothing.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Drainer {
    /// Of a spool whose receiver is gone: what it holds is only routed, and delivered by a receiver that runs.
    #[must_use]
    pub fn of_another(
        spool: Spool,
        store: Arc<dyn Store>,
        outbox: Arc<dyn Outbox>,
        config: &Config,
    ) -> Self {
        let inserter = Inserter { store, outbox };
        Self::new(Arc::new(spool), inserter, Gate::opened(), config, HANGING)
    }

    pub(super) fn new(
        spool: Arc<Spool>,
        inserter: Inserter,
        gate: Gate,
        config: &Config,
        patience: Duration,
    ) -> Self {
        let limits = config.batch_limits();
        Self {
            spool,
            inserter,
            gate,
            limits,
            portion: limits.events,
            failed_alone: 0,
            patience,
            moved: 0,
            reminded_at: None,
            refusals: Sampler::new(5),
        }
    }

    /// Drains until `closing`, and then what the database still takes.
    pub async fn run(mut self, closing: CancellationToken) {
        self.give_second_chance().await;
        let mut second_chance = Instant::now() + SECOND_CHANCE;
        let mut pause = PAUSES.0;
        loop {
            let began = Instant::now();
            let step = self.step().await;
            if closing.is_cancelled() && step != Step::Again {
                return;
            }
            match step {
                Step::Again => {
                    pause = PAUSES.0;
                    if self.gate.is_open() {
                        tokio::select! {
                            () = closing.cancelled() => {}
                            () = sleep(began.elapsed()) => {}
                        }
                    }
                }
                Step::Empty => {
                    tokio::select! {
                        () = closing.cancelled() => {}
                        () = self.gate.woken() => {}
                        () = sleep(LOOK) => {}
                    }
                }
                Step::Failed => {
                    tokio::select! {
                        () = closing.cancelled() => {}
                        () = sleep(pause) => {}
                    }
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
            if second_chance <= Instant::now() {
                second_chance = Instant::now() + SECOND_CHANCE;
                self.give_second_chance().await;
            }
        }
    }

    /// Drains until nothing waits.
    ///
    /// # Errors
    ///
    /// When the database or the spool fails; what was moved until then is in the database.
    pub async fn drain(
        &mut self,
        mut progress: impl FnMut(Drained),
    ) -> Result<Drained, DrainError> {
        self.spool.try_again().await?;
        let mut total = Drained::default();
        while let Some(drained) = self.move_batch().await? {
            total.moved += drained.moved;
            total.refused += drained.refused;
            progress(total);
        }
        Ok(total)
    }

    async fn step(&mut self) -> Step {
        let step = match self.move_batch().await {
            Ok(Some(drained)) => {
                self.moved += drained.moved;
                Step::Again
            }
            Ok(None) => {
                self.note_empty().await;
                self.probe().await
            }
            Err(DrainError::Store(error)) => {
                self.gate.close(&error);
                Step::Failed
            }
            Err(DrainError::Spool(error)) => {
                self.remind(&error);
                self.probe().await;
                Step::Failed
            }
        };
        note_usage(&self.spool).await;
        step
    }

    fn remind(&mut self, error: &SpoolError) {
        if self.reminded_at.is_none_or(|at| at.elapsed() >= REMINDER) {
            self.reminded_at = Some(Instant::now());
            error!(
                ?error,
                "the spool cannot be read; what waits there stays there"
            );
        }
    }

    /// Moves the oldest deliveries; `None` when nothing waits.
    async fn move_batch(&mut self) -> Result<Option<Drained>, DrainError> {
        let limits = self.batch_limits();
        let limit = u32::try_from(limits.events).unwrap_or(u32::MAX);
        let spooled = self.spool.read(limit, limits.bytes).await?;
        if spooled.is_empty() {
            return Ok(None);
        }
        let mut drained = Drained::default();
        let mut ids = Vec::with_capacity(spooled.len());
        let mut events = Vec::with_capacity(spooled.len());
        for delivery in spooled {
            match delivery.event {
                Ok(event) => {
                    ids.push(delivery.id);
                    events.push(self.inserter.outbox.route(event));
                }
                Err(why) => {
                    error!(
                        error = why,
                        "a delivery in the spool cannot be read; it stays there, and is looked at again at every start"
                    );
                    self.spool.set_aside(delivery.id, &why).await?;
                    drained.refused += 1;
                }
            }
        }
        if events.is_empty() {
            return Ok(Some(drained));
        }
        let mut leftover = self.insert(events).await;
        self.look_at_one_alone(&mut leftover).await;
        drained.moved = self.settle(&ids, &leftover).await?;
        drained.refused += leftover.refused.len() as u64;
        match leftover.cause {
            Some(cause) => Err(cause.into()),
            None => Ok(Some(drained)),
        }
    }

    fn batch_limits(&self) -> BatchLimits {
        let limits = if self.gate.is_open() {
            BESIDE_OTHERS
        } else {
            self.limits
        };
        BatchLimits {
            events: limits.events.min(self.limits.events).min(self.portion),
            ..limits
        }
    }

    async fn insert(&mut self, events: Vec<NewEvent>) -> Leftover {
        let (started, count) = (Instant::now(), events.len());
        let effort = Effort::OnceUntil(started + HANGING);
        let leftover = self.inserter.insert(events, effort, |_, _| {}).await;
        if leftover.cause.is_some() {
            // Perhaps it was too much at once, or one of them is to blame.
            self.portion = (count / 2).max(1);
        } else {
            self.portion = (self.portion * 2).min(self.limits.events);
            if started.elapsed() < self.patience {
                self.open_gate().await;
            }
        }
        leftover
    }

    /// A delivery that is not taken for a reason that may be its own does not stand in the way of the others for ever.
    async fn look_at_one_alone(&mut self, leftover: &mut Leftover) {
        let is_alone = leftover.untaken.len() == 1 && leftover.refused.is_empty();
        let may_be_it = leftover
            .cause
            .as_ref()
            .is_some_and(StoreError::may_be_a_row);
        if !is_alone || !may_be_it {
            self.failed_alone = 0;
            return;
        }
        self.failed_alone += 1;
        if self.failed_alone < TRIES || self.inserter.store.ping().await.is_err() {
            return;
        }
        self.failed_alone = 0;
        if let (Some((index, event)), Some(cause)) = (leftover.untaken.pop(), leftover.cause.take())
        {
            leftover.refused.push((index, event, format!("{cause:?}")));
        }
    }

    /// Takes out of the spool what the database has, and notes what it refuses. Tells how many it has.
    async fn settle(&mut self, ids: &[SpoolId], leftover: &Leftover) -> Result<u64, SpoolError> {
        let refused = leftover.refused.iter().map(|(index, _, _)| *index);
        let untaken = leftover.untaken.iter().map(|(index, _)| *index);
        let left: HashSet<usize> = refused.chain(untaken).collect();
        let taken = ids.iter().enumerate();
        let taken = taken.filter(|(index, _)| !left.contains(index));
        let taken: Vec<SpoolId> = taken.map(|(_, id)| *id).collect();
        self.spool.remove(&taken).await?;
        for (index, event, why) in &leftover.refused {
            if let Sample::Taken { held_back } = self.refusals.next(Instant::now()) {
                error!(
                    error = why,
                    event.source = %event.source,
                    event.delivery_id = event.delivery_id,
                    unlogged = held_back,
                    "the database refuses an event; it stays in the spool"
                );
            }
            // In a full spool there may be no room even for that: then it is tried again.
            if let Err(error) = self.spool.set_aside(ids[*index], why).await {
                debug!(?error, "a refusal was not noted in the spool");
            }
        }
        Ok(taken.len() as u64)
    }

    /// Events go to the database again; so does what it has refused, for that may have been its fault, not theirs.
    async fn open_gate(&self) {
        if !self.gate.is_open() {
            self.gate.open();
            self.give_second_chance().await;
        }
    }

    /// Whether the database takes events, when there is nothing to try it with.
    async fn probe(&self) -> Step {
        if self.gate.is_open() {
            return Step::Empty;
        }
        // What was not taken is on its way into the spool, and tells more.
        sleep(PAUSES.0).await;
        if self
            .spool
            .read(1, 1)
            .await
            .is_ok_and(|spooled| !spooled.is_empty())
        {
            return Step::Again;
        }
        match timeout(self.patience, self.inserter.store.ping()).await {
            Ok(Ok(())) => {
                self.gate.open();
                Step::Empty
            }
            _ => Step::Failed,
        }
    }

    async fn note_empty(&mut self) {
        if self.moved == 0 {
            return;
        }
        info!(
            deliveries = std::mem::take(&mut self.moved),
            "what waited in the spool is in the database"
        );
        if let Err(error) = self.spool.shrink().await {
            debug!(?error, "the empty spool keeps its size for now");
        }
    }

    async fn give_second_chance(&self) {
        if let Err(error) = self.spool.try_again().await {
            debug!(?error, "what the database has refused is not tried again");
        }
    }
}

/// Tells the metrics how full the spool is.
pub async fn note_usage(spool: &Spool) {
    if let Ok(usage) = spool.usage().await {
        metrics::spool_usage(usage.waiting, usage.refused, usage.bytes);
    }
}
