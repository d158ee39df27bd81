//! Moves what is in the spool to the database, in order, and finds out when the database takes events again.

use std::{sync::Arc, time::Duration};

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
    spool::{Spool, SpoolError, SpoolId},
    store::{Store, StoreError},
};

/// A commit that hangs for so long is given up together with its connection. Nobody waits for it.
const HANGING: Duration = Duration::from_secs(10);
/// A batch out of the spool is small, and followed by a pause as long as it took: what arrives meanwhile is to wait as
/// little as it can.
const BATCH: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1 << 20,
};
/// Between two tries while the database takes nothing.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Without anything having happened, the spool is looked at so often: others may have put something in.
const LOOK: Duration = Duration::from_secs(15);
/// What the database has refused is tried again so often.
const SECOND_CHANCE: Duration = Duration::from_hours(1);

/// Empties the spool.
pub struct Drainer {
    pub(super) spool: Arc<Spool>,
    pub(super) inserter: Inserter,
    pub(super) gate: Gate,
    pub(super) limits: BatchLimits,
    /// A database that takes longer for a batch is too slow for those who wait.
    pub(super) patience: Duration,
    /// Deliveries moved since the spool was empty.
    moved: u64,
    /// Whether the last look at the spool failed.
    spool_fails: bool,
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
        Self {
            limits: config.batch_limits(),
            ..Self::new(Arc::new(spool), inserter, Gate::opened(), HANGING)
        }
    }

    pub(super) fn new(
        spool: Arc<Spool>,
        inserter: Inserter,
        gate: Gate,
        patience: Duration,
    ) -> Self {
        Self {
            spool,
            inserter,
            gate,
            limits: BATCH,
            patience,
            moved: 0,
            spool_fails: false,
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
                    tokio::select! {
                        () = closing.cancelled() => {}
                        () = sleep(began.elapsed()) => {}
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
                if !self.spool_fails {
                    error!(?error, "the spool cannot be read");
                }
                self.spool_fails = true;
                self.probe().await;
                Step::Failed
            }
        };
        if let Ok(usage) = self.spool.usage().await {
            metrics::spool_usage(usage.waiting, usage.refused, usage.bytes);
        }
        step
    }

    /// Moves the oldest deliveries; `None` when nothing waits.
    async fn move_batch(&mut self) -> Result<Option<Drained>, DrainError> {
        let limit = u32::try_from(self.limits.events).unwrap_or(u32::MAX);
        let spooled = self.spool.read(limit, self.limits.bytes).await?;
        self.spool_fails = false;
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
                        "a delivery in the spool cannot be read; it stays there"
                    );
                    self.spool.set_aside(delivery.id, &why).await?;
                    drained.refused += 1;
                }
            }
        }
        let leftover = self.insert(events).await;
        drained.refused += leftover.refused.len() as u64;
        drained.moved = self.settle(&ids, &leftover).await?;
        match leftover.cause {
            Some(cause) => Err(cause.into()),
            None => Ok(Some(drained)),
        }
    }

    async fn insert(&mut self, events: Vec<NewEvent>) -> Leftover {
        let started = Instant::now();
        let effort = Effort::OnceUntil(started + HANGING);
        let leftover = self.inserter.insert(events, effort, |_, _| {}).await;
        if leftover.cause.is_none() && started.elapsed() < self.patience {
            self.gate.open();
        }
        leftover
    }

    /// Takes out of the spool what the database has, and notes what it refuses. Tells how many it has.
    async fn settle(&self, ids: &[SpoolId], leftover: &Leftover) -> Result<u64, SpoolError> {
        let mut is_left = vec![false; ids.len()];
        for (index, event, why) in &leftover.refused {
            is_left[*index] = true;
            error!(
                error = why,
                event.source = %event.source,
                event.delivery_id = event.delivery_id,
                "the database refuses an event; it stays in the spool"
            );
            self.spool.set_aside(ids[*index], why).await?;
        }
        for (index, _) in &leftover.untaken {
            is_left[*index] = true;
        }
        let taken = ids.iter().zip(is_left).filter(|(_, is_left)| !is_left);
        let taken: Vec<SpoolId> = taken.map(|(id, _)| *id).collect();
        self.spool.remove(&taken).await?;
        Ok(taken.len() as u64)
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
