//! A delivery: one event that is to reach one sink, and how far that is.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{EventId, Name, Timestamp, clock};

/// A delivery that is committed with its event.
#[derive(Debug)]
pub struct NewDelivery {
    /// Who is to be told.
    pub sink: Name,
    /// What the event is about, where this sink wants the deliveries about one thing in order.
    pub order_key: Option<String>,
    /// Taken from the start, when a worker of ours has room for it.
    pub lease: Option<Lease>,
}

/// A delivery is ours until the lease runs out. It is only taken with a place in the worker's memory.
#[derive(Debug)]
pub struct Lease {
    /// Who holds it, as it stands in `deliveries.leased_by`.
    pub holder: Arc<str>,
    /// How long it holds, counted by the database's clock from when it is written.
    pub term: Duration,
    /// From when it holds at the earliest, by our own clock.
    pub taken_at: Instant,
    /// Given back when it is dropped.
    pub place: Place,
}

/// Room in memory for one delivery.
#[derive(Debug)]
pub struct Place {
    /// One of the deliveries a worker may have.
    pub delivery: OwnedSemaphorePermit,
    /// Its share of the bytes they may have together.
    pub bytes: OwnedSemaphorePermit,
}

/// How far a delivery is, as it stands in `deliveries.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Still to be sent, or sent again.
    Pending,
    /// The sink has it.
    Delivered,
    /// Given up.
    Dead,
    /// Not wanted after all.
    Cancelled,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Cancelled];

    /// As it stands in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a [`DeliveryState`].
#[derive(Debug, thiserror::Error)]
#[error("a delivery is pending, delivered, dead or cancelled")]
pub struct UnknownState;

impl FromStr for DeliveryState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let state = Self::ALL.into_iter().find(|state| state.as_str() == text);
        state.ok_or(UnknownState)
    }
}

/// One attempt to deliver, as it goes into `delivery_attempts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The status of the sink's answer, where the transport has one.
    pub status_code: Option<u16>,
    /// The beginning of the sink's answer, where the transport has one.
    pub response: Option<String>,
}

/// What becomes of a delivery that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The sink has it.
    Delivered,
    /// It failed, and is tried again after a while, unless the sink's time to give up has come.
    Retry {
        /// Why it failed.
        error: String,
        /// How long to wait.
        delay: Duration,
        /// How long after the delivery's creation or replay to give up.
        give_up_after: Duration,
    },
    /// It failed, and would fail for ever.
    Dead {
        /// Why.
        error: String,
    },
    /// The sink does not want it.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// What became of one delivery, on its way to the database.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The event.
    pub event: EventId,
    /// The sink.
    pub sink: Name,
    /// What becomes of it.
    pub outcome: Outcome,
    /// The attempt, unless there was none.
    pub attempt: Option<Attempt>,
}

/// A delivery as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliverySummary {
    /// `deliveries.id`.
    pub id: i64,
    /// The event.
    pub event_id: EventId,
    /// The source the event came in by.
    pub source: String,
    /// What happened.
    pub event_type: Option<String>,
    /// The sink.
    pub sink: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How many times it was tried.
    pub attempts: u32,
    /// Since when the sink is to be told.
    #[serde(serialize_with = "clock::serialize")]
    pub created_at: Timestamp,
    /// While it is pending: when it is tried next, or until when the attempt under way may take.
    #[serde(serialize_with = "clock::serialize")]
    pub next_attempt_at: Timestamp,
    /// When the sink took it.
    #[serde(serialize_with = "clock::serialize_option")]
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed, or why it was cancelled.
    pub last_error: Option<String>,
}
