//! The way into the database: what was submitted and answered is durable.
//!
//! An event goes through a bounded queue to the committer, which commits it to the database with all others that wait.
//! While the database takes none, the gate is closed and events go to the spooler, which does the same with the spool.
//! The drainer moves them on, and opens the gate when it succeeds.

mod arriving;
mod batch;
mod buffer;
mod committer;
mod drainer;
mod gate;
mod inserter;
mod keeper;
mod queue;
mod refusals;
mod report;
mod spooler;
mod trouble;

use std::{sync::Arc, time::Duration};

use bytesize::ByteSize;
use serde::Deserialize;
use tokio::{sync::oneshot, time::Instant};

pub use buffer::{Buffer, Reservation};
pub use committer::Committer;
pub use drainer::{DrainError, Drained, Drainer, note_usage};
pub use gate::Gate;
pub use keeper::Keeper;
pub use refusals::{RefusalLog, Refused, Why};
pub use spooler::Spooler;
pub use trouble::Trouble;

use self::{batch::BatchLimits, inserter::Inserter, queue::Queue};
use crate::{
    domain::{EventId, Insertion, NewEvent},
    sampling::Sampler,
    spool::Spool,
    store::Store,
};

/// More events than this at once are a typing error.
const MOST: usize = 1_000_000;

/// `[intake]`: what waits in memory, and how much is committed at once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Events that may wait for the database, and as many for the spool.
    pub max_queue: usize,
    /// Bytes of bodies that may be in memory, over all requests; one of the longest always fits.
    pub max_buffer: ByteSize,
    /// Events committed in one transaction, at most.
    pub max_batch: usize,
    /// Bytes of bodies committed in one transaction, at most (and one body more).
    pub max_batch_size: ByteSize,
}

impl Config {
    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (key, value) in [("max_queue", self.max_queue), ("max_batch", self.max_batch)] {
            if value == 0 || value > MOST {
                problems.push((key.into(), format!("must be from 1 to {MOST}")));
            }
        }
        problems
    }

    fn batch_limits(&self) -> BatchLimits {
        BatchLimits {
            events: self.max_batch,
            bytes: self.max_batch_size.as_u64(),
        }
    }
}

/// How an event became durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// The database has it.
    Committed(Insertion),
    /// The spool has it, until the database does.
    Spooled,
}

/// Why an event was not made durable. The receiver's fault, never the sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// As many wait as may wait, for the database and for the spool, or they would wait too long.
    #[error("too many wait for the database and the spool")]
    Full,
    /// It took too long to be waited for. It may still succeed.
    #[error("the database and the spool are too slow")]
    Slow,
    /// Neither the database nor the spool took it.
    #[error("the database and the spool are unavailable")]
    Unavailable,
}

/// Where events go once they are stored.
pub trait Outbox: Send + Sync + 'static {
    /// The event with deliveries to the sinks that want it.
    fn route(&self, event: NewEvent) -> NewEvent;

    /// The event is about to be committed: takes leases on its deliveries, as far as there is room.
    fn before_commit(&self, event: &mut NewEvent);

    /// The event is stored and its sender answered.
    fn after_commit(&self, id: EventId, event: NewEvent);
}

/// An event and who waits for it.
struct Submission {
    event: NewEvent,
    sender: Sender,
    /// Until when the database is tried.
    deadline: Instant,
}

/// Who waits for an event, and the memory that it takes, given back when this is dropped.
struct Sender {
    reply: oneshot::Sender<Result<Acknowledgement, IntakeError>>,
    _memory: Reservation,
}

impl Submission {
    fn into_parts(self) -> (NewEvent, Sender) {
        (self.event, self.sender)
    }

    /// Hands it to the spool instead of the database.
    fn spool(self, spool: &Queue) {
        if let Err(submission) = spool.offer(self) {
            submission.sender.answer(Err(IntakeError::Full));
        }
    }
}

impl Sender {
    /// Tells what became of the event. Whoever does not wait any more posts it again.
    fn answer(self, outcome: Result<Acknowledgement, IntakeError>) {
        self.reply.send(outcome).ok();
    }
}

/// Takes events in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    database: Queue,
    spool: Queue,
    gate: Gate,
    outbox: Arc<dyn Outbox>,
    buffer: Buffer,
    commit_timeout: Duration,
}

/// What works behind an [`Intake`].
pub struct Works {
    /// Commits to the database.
    pub committer: Committer,
    /// Commits to the spool.
    pub spooler: Spooler,
    /// Moves what is in the spool to the database.
    pub drainer: Drainer,
    /// Whether the database takes events. Closed at first.
    pub gate: Gate,
    /// Whether the spool takes none.
    pub spool_trouble: Trouble,
}

impl Intake {
    /// An intake, and what is to work behind it.
    #[must_use]
    pub fn new(
        config: &Config,
        max_body: ByteSize,
        store: Arc<dyn Store>,
        spool: Arc<Spool>,
        outbox: Arc<dyn Outbox>,
        commit_timeout: Duration,
    ) -> (Self, Works) {
        let gate = Gate::default();
        let spool_trouble = Trouble::default();
        // Those who are let in are answered in good time, even where the estimate is off by half.
        let patience = commit_timeout / 2;
        let queue = || Queue::new(config.max_queue, config.max_batch, patience);
        let (to_database, for_database, database_pace) = queue();
        let (to_spool, for_spool, spool_pace) = queue();
        let intake = Self {
            database: to_database,
            spool: to_spool.clone(),
            gate: gate.clone(),
            outbox: Arc::clone(&outbox),
            buffer: Buffer::new(config.max_buffer, max_body),
            commit_timeout,
        };
        let inserter = Inserter { store, outbox };
        let works = Works {
            committer: Committer {
                queue: for_database,
                pace: database_pace,
                limits: config.batch_limits(),
                inserter: inserter.clone(),
                gate: gate.clone(),
                spool: to_spool,
                failures: Sampler::new(1),
            },
            spooler: Spooler {
                queue: for_spool,
                pace: spool_pace,
                limits: config.batch_limits(),
                spool: Arc::clone(&spool),
                gate: gate.clone(),
                trouble: spool_trouble.clone(),
                failures: Sampler::new(1),
            },
            drainer: Drainer::new(spool, inserter, gate.clone(), config, patience),
            gate,
            spool_trouble,
        };
        (intake, works)
    }

    /// The memory that bodies share, those still arriving included.
    #[must_use]
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Resolves once the event is durable, and tells where.
    ///
    /// It goes to the database, or to the spool if that takes no events now, has too many waiting, or does not take
    /// it in time. An event that is given up, or whose caller stops waiting, may yet be stored. Storing it once more
    /// is harmless, losing it is not.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub async fn submit(
        &self,
        event: NewEvent,
        memory: Reservation,
    ) -> Result<Acknowledgement, IntakeError> {
        let (reply, answer) = oneshot::channel();
        let submission = Submission {
            event,
            sender: Sender {
                reply,
                _memory: memory,
            },
            deadline: Instant::now() + self.commit_timeout,
        };
        if let Err(submission) = self.offer_to_database(submission) {
            submission.spool(&self.spool);
        }
        let longest = self.commit_timeout + spooler::HANGING;
        match tokio::time::timeout(longest, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(IntakeError::Unavailable),
            Err(_) => Err(IntakeError::Slow),
        }
    }

    #[expect(clippy::result_large_err, reason = "it is handed in elsewhere then")]
    fn offer_to_database(&self, mut submission: Submission) -> Result<(), Submission> {
        if !self.gate.is_open() {
            return Err(submission);
        }
        submission.event = self.outbox.route(submission.event);
        self.database.offer(submission)
    }
}
