//! The way into the database: what was submitted and answered is durable.

mod buffer;
mod committer;
mod keeper;
mod refusals;

use std::{sync::Arc, time::Duration};

use bytesize::ByteSize;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

pub use buffer::{Buffer, Reservation};
pub use committer::{Commits, Committer};
pub use keeper::Keeper;
pub use refusals::{RefusalLog, Refused, Why};

use crate::{
    domain::{EventId, Insertion, NewEvent},
    store::Store,
};

/// More events than this at once are a typing error.
const MOST: usize = 1_000_000;

/// `[intake]`: what waits in memory, and how much is committed at once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Events that may wait for the database.
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
}

/// Why an event was not made durable. The receiver's fault, never the sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// As many wait as may wait.
    #[error("the queue is full")]
    Full,
    /// The commit took too long to be waited for. It may still succeed.
    #[error("the database is too slow")]
    Slow,
    /// The database did not take it.
    #[error("the database is unavailable")]
    Unavailable,
    /// The receiver is stopping.
    #[error("the receiver is stopping")]
    Closed,
}

/// Where events go once they are stored.
pub trait Outbox: Send + Sync + 'static {
    /// The event is about to be committed: takes leases on its deliveries, as far as there is room.
    fn before_commit(&self, event: &mut NewEvent);

    /// The event is stored and its sender answered.
    fn after_commit(&self, id: EventId, event: NewEvent);
}

/// An event and who waits for it.
struct Submission {
    event: NewEvent,
    reply: oneshot::Sender<Result<Insertion, IntakeError>>,
    /// Gives the memory back when the submission is dropped.
    memory: Reservation,
}

/// Takes events in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    queue: mpsc::Sender<Submission>,
    buffer: Buffer,
    commit_timeout: Duration,
}

impl Intake {
    /// An intake, and the committer that serves it.
    #[must_use]
    pub fn new(
        config: &Config,
        max_body: ByteSize,
        store: Arc<dyn Store>,
        outbox: Arc<dyn Outbox>,
        commit_timeout: Duration,
    ) -> (Self, Committer) {
        let (sender, receiver) = mpsc::channel(config.max_queue);
        let intake = Self {
            queue: sender,
            buffer: Buffer::new(config.max_buffer, max_body),
            commit_timeout,
        };
        (
            intake,
            Committer::new(receiver, store, outbox, config, commit_timeout),
        )
    }

    /// The memory that bodies share, those still arriving included.
    #[must_use]
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Resolves once the event is durable, and tells whether it is new.
    ///
    /// An event that is given up as too slow stays in the queue and may yet be stored; so does that of
    /// a caller who stops waiting. Storing it once more is harmless, losing it is not.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub async fn submit(
        &self,
        event: NewEvent,
        memory: Reservation,
    ) -> Result<Insertion, IntakeError> {
        let (reply, answer) = oneshot::channel();
        let submission = Submission {
            event,
            reply,
            memory,
        };
        self.queue
            .try_send(submission)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => IntakeError::Full,
                mpsc::error::TrySendError::Closed(_) => IntakeError::Closed,
            })?;
        match tokio::time::timeout(self.commit_timeout, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(IntakeError::Closed),
            Err(_) => Err(IntakeError::Slow),
        }
    }
}
