//! Reads what is stored of a sender for those it is delivered to: type, payload, entity, a sentence.

mod mrkdwn;

use serde::Deserialize;
use serde_json::{Map, Value as Json, value::RawValue};

pub(super) use self::mrkdwn::{bold, plain};
use super::{Envelope, Sample, huntr, hunty, json::Field, recall::Recalled};
use crate::domain::{EventId, EventRecord, EventSummary, Origin, Said, Timestamp};

/// How what a vendor sent is read for those it is delivered to. Never fails: what it cannot read it leaves out.
pub trait Reading: Send + Sync {
    /// What the receiver extracts of a body before it is stored.
    fn envelope(&self, body: &[u8]) -> Envelope;

    /// The `type` of its CloudEvent: a name in the vendor's domain, with `unknown` for an event without a type.
    fn cloud_event_type(&self, event: &EventRecord) -> String;

    /// The payload within the body, in the sender's own bytes; `None` when the body is not JSON that
    /// consumers can read.
    ///
    /// A body without a [`problem`](crate::domain::EventSummary::problem) was read whole when it came in, and
    /// is not read a second time.
    fn payload<'a>(&self, event: &'a EventRecord) -> Option<&'a RawValue>;

    /// The id of the member or entity the event is about: 1–255 bytes without control characters.
    fn entity(&self, body: &[u8]) -> Option<String>;

    /// One sentence for people, in Slack's mrkdwn. Bounded, and without control characters.
    fn headline(&self, event: &EventRecord) -> String;

    /// What an event says of rows of the typed tables, of some perhaps more than once.
    fn project(&self, event: &EventRecord) -> Vec<Said>;

    /// The body that a row of the table with all events is of, or one that says the same.
    fn recall(&self, row: &Map<String, Json>) -> Option<Recalled>;

    /// The name of the header in which the vendor sends a signature, in lower case.
    fn signature_header(&self) -> Option<&'static str>;
}

/// The reading for what stands in `events.provider`; what a later version of the receiver has stored is read
/// as what all senders have in common.
#[must_use]
pub fn reading(provider: &str) -> &'static dyn Reading {
    match provider {
        huntr::PROVIDER => &huntr::Reading,
        hunty::PROVIDER => &hunty::Reading,
        _ => &Generic,
    }
}

/// The name of a provider of ours that is written in `text`.
#[must_use]
pub fn provider_named(text: &str) -> Option<&'static str> {
    [huntr::PROVIDER, hunty::PROVIDER]
        .into_iter()
        .find(|name| *name == text)
}

/// A sample as it would be stored, for trying out what is made of events.
#[must_use]
pub fn sample_event(provider: &str, sample: &Sample, received_at: Timestamp) -> EventRecord {
    let envelope = reading(provider).envelope(sample.body.as_bytes());
    EventRecord {
        summary: EventSummary {
            id: EventId(1),
            source: provider.to_owned(),
            provider: provider.to_owned(),
            delivery_id: envelope.delivery_id,
            event_type: envelope.event_type,
            occurred_at: envelope.occurred_at,
            received_at,
            origin: Origin::Webhook.as_str().to_owned(),
            envelope_version: envelope.version,
            problem: envelope.problem,
        },
        signature: None,
        body: sample.body.into(),
    }
}

/// What all senders have in common: a body that may be JSON.
struct Generic;

impl Reading for Generic {
    fn envelope(&self, body: &[u8]) -> Envelope {
        Envelope::unreadable(body, "not read: of an unknown provider".to_owned())
    }

    fn cloud_event_type(&self, event: &EventRecord) -> String {
        let event_type = event.summary.event_type.as_deref().unwrap_or(UNKNOWN);
        format!("{}.{event_type}", event.summary.provider)
    }

    fn payload<'a>(&self, event: &'a EventRecord) -> Option<&'a RawValue> {
        parse(&event.body).filter(|raw| is_readable(raw))
    }

    fn entity(&self, _body: &[u8]) -> Option<String> {
        None
    }

    fn headline(&self, event: &EventRecord) -> String {
        generic_headline(event)
    }

    fn project(&self, _event: &EventRecord) -> Vec<Said> {
        Vec::new()
    }

    fn recall(&self, _row: &Map<String, Json>) -> Option<Recalled> {
        None
    }

    fn signature_header(&self) -> Option<&'static str> {
        None
    }
}

/// The type of an event without one.
pub(super) const UNKNOWN: &str = "unknown";

/// What can be said of any event: `*JOB_POST_CREATED* from huntr`.
pub(super) fn generic_headline(event: &EventRecord) -> String {
    let what = match event.summary.event_type.as_deref().map(bold) {
        Some(event_type) if !event_type.is_empty() => event_type,
        _ => "An event without a type".to_owned(),
    };
    format!("{what} from {}", plain(&event.summary.source))
}

/// The whole body, when consumers can read it.
pub(super) fn whole_body(event: &EventRecord) -> Option<&RawValue> {
    let whole = parse(&event.body)?;
    (was_read(event, whole) || is_readable(whole)).then_some(whole)
}

/// Whether the parser of the answering path has found nothing in the body that a consumer could not read, so
/// that there is no need to look again.
///
/// A consumer gets it as a part of something larger. What is nested so deeply that one level more might be
/// one too many is looked at again.
fn was_read(event: &EventRecord, body: &RawValue) -> bool {
    let opens = |byte: &&u8| matches!(byte, b'{' | b'[');
    let is_flat = || body.get().as_bytes().iter().filter(opens).count() < SAFE_DEPTH;
    event.summary.problem.is_none() && is_flat()
}

/// Most parsers stop at 128 levels. One is what it is delivered in, and one is to spare.
const SAFE_DEPTH: usize = 126;

/// Whether a usual parser makes a value of it, as a part of something larger: no lone surrogates, no number
/// out of range, not nested too deeply.
fn is_readable(raw: &RawValue) -> bool {
    serde_json::from_str::<serde_json::Value>(&format!("[{raw}]")).is_ok()
}

/// Text in the form of JSON, whether or not everybody can read what it says.
fn parse(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body).ok()
}

/// A part of a body by its keys; `None` when it is no object, or names one of these keys twice.
pub(super) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    // serde would also take an array for an object.
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    is_object.then(|| serde_json::from_slice(json).ok())?
}

/// An id that can stand in a header and in a queue's key.
pub(super) fn id(raw: &RawValue) -> Option<String> {
    Field::Once(raw).text().ok().flatten()
}

#[cfg(test)]
mod tests;
