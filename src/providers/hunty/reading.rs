//! Reads a stored envelope of Hunty's for those it is delivered to.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{PROVIDER, envelope, projection};
use crate::{
    domain::{EventRecord, Said},
    providers::{
        Envelope,
        reading::{self, bold, plain},
        recall::Recalled,
    },
};

/// The reading of Hunty's events.
pub(in crate::providers) struct Reading;

/// What is looked for in an envelope; the first of each pair is version 1's.
#[derive(Default, Deserialize)]
struct Keys<'a> {
    #[serde(borrow, rename = "Domain")]
    v1_domain: Option<&'a RawValue>,
    #[serde(borrow, rename = "Payload")]
    v1_payload: Option<&'a RawValue>,
    #[serde(borrow, rename = "domain")]
    v2_domain: Option<&'a RawValue>,
    #[serde(borrow, rename = "payload")]
    v2_payload: Option<&'a RawValue>,
}

impl<'a> Keys<'a> {
    fn of(body: &'a [u8]) -> Self {
        reading::object(body).unwrap_or_default()
    }
}

/// The payload's id. The documents name no key of it, so all usual spellings are tried.
#[derive(Deserialize)]
struct Entity<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "Id")]
    pascal: Option<&'a RawValue>,
    #[serde(borrow, rename = "ID")]
    upper: Option<&'a RawValue>,
}

impl reading::Reading for Reading {
    fn envelope(&self, body: &[u8]) -> Envelope {
        envelope::read(body)
    }

    fn cloud_event_type(&self, event: &EventRecord) -> String {
        let Some(name) = &event.summary.event_type else {
            return format!("cloud.{PROVIDER}.{}", reading::UNKNOWN);
        };
        let keys = Keys::of(&event.body);
        let domain = match event.summary.envelope_version {
            Some(1) => keys.v1_domain,
            _ => keys.v2_domain,
        };
        match domain.and_then(reading::id) {
            Some(domain) => format!("cloud.{PROVIDER}.{domain}.{name}"),
            None => format!("cloud.{PROVIDER}.{name}"),
        }
    }

    fn payload<'a>(&self, event: &'a EventRecord) -> Option<&'a RawValue> {
        let whole = reading::whole_body(event)?;
        let keys = Keys::of(whole.get().as_bytes());
        let payload = match event.summary.envelope_version {
            Some(1) => keys.v1_payload,
            Some(2) => keys.v2_payload,
            _ => None,
        };
        payload.or(Some(whole))
    }

    fn entity(&self, body: &[u8]) -> Option<String> {
        let keys = Keys::of(body);
        let payload = keys.v1_payload.xor(keys.v2_payload)?;
        let entity: Entity<'_> = reading::object(payload.get().as_bytes())?;
        let mut ids = [entity.id, entity.pascal, entity.upper]
            .into_iter()
            .flatten();
        ids.find_map(text_or_number)
    }

    fn headline(&self, event: &EventRecord) -> String {
        candidate_headline(event).unwrap_or_else(|| reading::generic_headline(event))
    }

    fn project(&self, event: &EventRecord) -> Vec<Said> {
        projection::project(event)
    }

    fn recall(&self, row: &Map<String, Value>) -> Option<Recalled> {
        Some(projection::recall(row))
    }

    fn signature_header(&self) -> Option<&'static str> {
        None
    }
}

/// An id that is a number is taken as it is written.
fn text_or_number(raw: &RawValue) -> Option<String> {
    let is_number = raw
        .get()
        .starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if is_number && raw.get().len() <= 255 {
        return Some(raw.get().to_owned());
    }
    reading::id(raw)
}

/// `*Lucía Ordóñez*, Analista: APPLIED → INTERVIEW (CandidateStatusTransitionedEvent)`.
///
/// What a candidate's payload holds is not documented, so each part is left out that is not found.
fn candidate_headline(event: &EventRecord) -> Option<String> {
    let payload = reading::Reading::payload(&Reading, event)?;
    let payload: Map<String, Value> = serde_json::from_str(payload.get()).ok()?;
    let text = |name: &str| {
        let mut pairs = payload.iter();
        let (_, value) =
            pairs.find(|(key, value)| key.eq_ignore_ascii_case(name) && value.is_string())?;
        value.as_str().map(plain).filter(|text| !text.is_empty())
    };
    let first_and_last: Vec<_> = ["firstName", "lastName"]
        .into_iter()
        .filter_map(text)
        .collect();
    let name = match first_and_last.join(" ") {
        name if name.is_empty() => text("fullName").or_else(|| text("name"))?,
        name => name,
    };
    // Escaped by now, and escaping twice would show: only the asterisks are taken care of.
    let mut sentence = format!("*{}*", name.replace('*', " ").trim());
    if let Some(vacancy) = text("vacancyTitle") {
        sentence = format!("{sentence}, {vacancy}");
    }
    let change: Vec<_> = ["previousStatus", "status"]
        .into_iter()
        .filter_map(text)
        .collect();
    if !change.is_empty() {
        sentence = format!("{sentence}: {}", change.join(" → "));
    }
    let event_type = event.summary.event_type.as_deref().map(plain);
    Some(match event_type.filter(|text| !text.is_empty()) {
        Some(event_type) => format!("{sentence} ({event_type})"),
        None => format!("{sentence} ({})", bold(&event.summary.source)),
    })
}
