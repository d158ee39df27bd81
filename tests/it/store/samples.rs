//! Events and requests to store, with only what a test is about spelt out.

use chrono::{DateTime, TimeDelta};
use huntr_receiver::domain::{EventId, Insertion, Name, NewDelivery, NewEvent, Origin, Timestamp};

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// So many milliseconds after the tests' beginning of time.
pub(super) fn at(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_795_255_200_000 + millis).expect("a valid time")
}

pub(super) fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

pub(crate) fn event(delivery_id: &str) -> NewEvent {
    NewEvent {
        source: name("huntr"),
        provider: "huntr",
        delivery_id: delivery_id.to_owned(),
        event_type: Some("JOB_ADDED".to_owned()),
        occurred_at: None,
        received_at: at(0),
        origin: Origin::Webhook,
        envelope_version: None,
        signature: None,
        body: format!("the body of {delivery_id}").into(),
        problem: None,
        deliveries: Vec::new(),
    }
}

/// A delivery to that sink, which nobody has a lease on.
pub(crate) fn to(sink: &str) -> NewDelivery {
    NewDelivery {
        sink: name(sink),
        order_key: None,
        lease: None,
    }
}

pub(super) fn with_body(delivery_id: &str, body: &'static [u8]) -> NewEvent {
    NewEvent {
        body: body.into(),
        ..event(delivery_id)
    }
}

/// The id in an answer, whichever it is.
pub(super) fn id_of(insertion: Insertion) -> EventId {
    match insertion {
        Insertion::Stored(id) | Insertion::Duplicate(id) => id,
    }
}
