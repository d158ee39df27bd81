//! An event: one thing a sender told us, kept as the bytes it sent.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use super::{Name, NewDelivery, Timestamp, clock};

/// The id of a stored event (`events.id`): roughly in order of arrival, with gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventId(pub i64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// By which way an event came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Posted by the sender.
    Webhook,
    /// Held in the spool while the database was away.
    Spool,
    /// Found in the sender's own history.
    Reconcile,
    /// Refused at first, accepted once the secret was right.
    Reverify,
}

impl Origin {
    /// As it stands in `events.origin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Spool => "spool",
            Self::Reconcile => "reconcile",
            Self::Reverify => "reverify",
        }
    }
}

/// An authentic event that is not stored yet.
#[derive(Debug)]
pub struct NewEvent {
    /// The configured source it came in by.
    pub source: Name,
    /// The sender's protocol, as it stands in `events.provider`.
    pub provider: &'static str,
    /// The sender's id of this event; with `source`, the key of deduplication.
    pub delivery_id: String,
    /// What happened, in the sender's word.
    pub event_type: Option<String>,
    /// When the sender says it happened.
    pub occurred_at: Option<Timestamp>,
    /// When its request arrived.
    pub received_at: Timestamp,
    /// By which way it came in.
    pub origin: Origin,
    /// The version of the sender's envelope, where it has one.
    pub envelope_version: Option<i16>,
    /// The signature header, as sent. Never a key.
    pub signature: Option<String>,
    /// The raw bytes, exactly as received.
    pub body: Bytes,
    /// What could not be understood of it, in our words, without a word of the body.
    pub problem: Option<String>,
    /// To the sinks that want it: each is a row in `deliveries`, committed with the event.
    pub deliveries: Vec<NewDelivery>,
}

/// What became of a [`NewEvent`], once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// It is a new row.
    Stored(EventId),
    /// Its (`source`, `delivery_id`) was there before, under this id.
    Duplicate(EventId),
}

/// A stored event without its body, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventSummary {
    /// `events.id`.
    pub id: EventId,
    /// The source it came in by.
    pub source: String,
    /// The sender's protocol.
    pub provider: String,
    /// The sender's id.
    pub delivery_id: String,
    /// What happened.
    pub event_type: Option<String>,
    /// When the sender says it happened.
    #[serde(serialize_with = "clock::serialize_option")]
    pub occurred_at: Option<Timestamp>,
    /// When it arrived.
    #[serde(serialize_with = "clock::serialize")]
    pub received_at: Timestamp,
    /// `webhook`, `spool`, `reconcile` or `reverify`.
    pub origin: String,
    /// The envelope's version, where it has one.
    pub envelope_version: Option<i16>,
    /// What could not be understood.
    pub problem: Option<String>,
}

/// A stored event, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// All but the body and the signature.
    pub summary: EventSummary,
    /// The signature header, as sent.
    pub signature: Option<String>,
    /// The raw bytes.
    pub body: Bytes,
}

impl EventRecord {
    /// The event as it is stored under that id.
    #[must_use]
    pub fn new(id: EventId, event: NewEvent) -> Self {
        Self {
            summary: EventSummary {
                id,
                source: event.source.to_string(),
                provider: event.provider.to_owned(),
                delivery_id: event.delivery_id,
                event_type: event.event_type,
                occurred_at: event.occurred_at,
                received_at: event.received_at,
                origin: event.origin.as_str().to_owned(),
                envelope_version: event.envelope_version,
                problem: event.problem,
            },
            signature: event.signature,
            body: event.body,
        }
    }
}
