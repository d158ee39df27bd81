//! Writes an event as a CloudEvent: version 1.0 of the specification, in JSON.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    domain::{EventRecord, iso_millis},
    providers::Reading,
};

/// The media type of an event whose attributes stand in the body with its data.
pub(super) const MEDIA_TYPE: &str = "application/cloudevents+json";

/// What the attributes take beside the data, so that the buffer seldom grows.
const ATTRIBUTES: usize = 512;

/// The attributes, in the order in which they are written.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: String,
    r#type: String,
    /// The member or entity the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    time: String,
    /// When it arrived here: the specification's extension "recorded time".
    recordedtime: String,
    /// What could not be understood: an extension of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    datacontenttype: &'static str,
    /// In the sender's own bytes: no number and no escape is written anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// The event with this payload, about this entity. Without a payload it has the whole body in base64.
pub(super) fn write(
    event: &EventRecord,
    reading: &dyn Reading,
    payload: Option<&RawValue>,
    entity: Option<&str>,
) -> Vec<u8> {
    let summary = &event.summary;
    let problem = summary.problem.as_deref().map(attribute);
    let cloud_event = CloudEvent {
        specversion: "1.0",
        id: attribute(&summary.delivery_id),
        source: format!("/huntr-receiver/{}", summary.source),
        r#type: attribute(&reading.cloud_event_type(event)),
        subject: entity.map(attribute),
        time: iso_millis(&summary.occurred_at.unwrap_or(summary.received_at)),
        recordedtime: iso_millis(&summary.received_at),
        problem: problem.filter(|problem| !problem.is_empty()),
        datacontenttype: if payload.is_some() {
            "application/json"
        } else {
            "application/octet-stream"
        },
        data: payload,
        data_base64: payload
            .is_none()
            .then(|| BASE64_STANDARD.encode(&event.body)),
    };
    let mut json = Vec::with_capacity(event.body.len() + ATTRIBUTES);
    serde_json::to_writer(&mut json, &cloud_event)
        .unwrap_or_else(|error| unreachable!("memory takes what is JSON already: {error}"));
    json
}

/// A text as an attribute may hold it: without the control characters and noncharacters that the
/// specification forbids.
fn attribute(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && !is_noncharacter(c);
    text.chars()
        .map(|c| {
            if allowed(c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}

/// What Unicode keeps for a program's own use: the last two of each plane, and 32 more.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_holds_only_what_the_specification_allows() {
        let text = attribute("a\u{0}b\u{7f}c\u{85}d\u{fdd0}e\u{ffff}f\u{1fffe}é€\u{1f600}");
        assert_eq!(
            text,
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}f\u{fffd}é€\u{1f600}"
        );
    }
}
