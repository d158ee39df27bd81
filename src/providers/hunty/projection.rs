//! What an event of Hunty's says of the rows of the typed tables: it brings a whole snapshot of what it is about.

use std::sync::Arc;

use serde_json::{Map, Value as Json, value::RawValue};

use crate::{
    domain::{
        Column, EventRecord,
        Kind::{Id, Integer, Json as AnyJson, Text, Time},
        Row, Said, Table, Timestamp, Value, Version,
    },
    providers::{
        json::{cell, id, tame, unix_seconds},
        recall::{self, Recalled},
    },
};

type Object = Map<String, Json>;

static EVENTS: Table = Table {
    name: "hunty_events",
    key: &["id"],
    columns: &[
        Column::new("event_id", Integer),
        Column::new("webhook_id", Text),
        Column::new("idempotency_id", Text),
        Column::new("domain", Id),
        Column::new("event", Text),
        Column::new("version", Integer),
        Column::new("fired_at", Time),
        Column::new("entity_id", Id),
        Column::new("previous_status", Text),
        Column::new("status", Text),
        Column::new("payload", AnyJson),
    ],
    derived: &[],
    derive: nothing,
    merges: false,
    last: "last_delivery_id",
};

static ENTITIES: Table = Table {
    name: "hunty_entities",
    key: &["domain", "entity_id"],
    columns: &[
        Column::new("webhook_id", Text),
        Column::new("event", Text),
        Column::new("fired_at", Time),
        Column::new("status", Text),
        Column::new("payload", AnyJson),
    ],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_delivery_id",
};

/// The one with a row for each event.
pub(in crate::providers) const JOURNAL: &Table = &EVENTS;

/// All of them.
pub(in crate::providers) static TABLES: [&Table; 2] = [&EVENTS, &ENTITIES];

/// What an event says of rows.
pub(super) fn project(event: &EventRecord) -> Vec<Said> {
    let tame = tame(&event.body).unwrap_or_default();
    let json: Object = serde_json::from_str(&tame).unwrap_or_default();
    let envelope = Envelope::of(event, &json);
    let version = Version {
        at: envelope.fired_at.map(|at| at.timestamp_millis()),
        id: Arc::from(&*event.summary.delivery_id),
    };
    let key = |ids: &[&str]| {
        let parts = std::iter::once(&*event.summary.source).chain(ids.iter().copied());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let told = envelope.row(&EVENTS, version.clone(), event);
    let mut said = vec![(&EVENTS, key(&[&event.summary.delivery_id]), told)];
    if let (Some(domain), Some(entity)) = (envelope.domain_of_entity(), &envelope.entity) {
        let snapshot = envelope.row(&ENTITIES, version, event);
        said.push((&ENTITIES, key(&[domain, entity]), snapshot));
    }
    said
}

/// An envelope that says what a row of [`EVENTS`] does; what was no envelope is its payload.
pub(super) fn recall(row: &Object) -> Recalled {
    let version = row.get("version").and_then(Json::as_i64);
    let version = version.and_then(|version| i16::try_from(version).ok());
    let payload = recall::json(row, "payload");
    if !matches!(version, Some(1 | 2)) {
        let body = payload.unwrap_or_default();
        return Recalled { body, version };
    }
    let mut envelope = Object::new();
    for (key, column) in [
        ("webhookId", "webhook_id"),
        ("idempotencyId", "idempotency_id"),
        ("domain", "domain"),
        ("event", "event"),
    ] {
        let text = recall::text(row, column).map(Json::from);
        envelope.extend(text.map(|text| (spelt(key, version), text)));
    }
    let fired_at = recall::millis(row, "fired_at").map(Json::from);
    envelope.extend(fired_at.map(|fired_at| (spelt("timestamp", version), fired_at)));
    let payload = payload.and_then(|payload| serde_json::from_str(&payload).ok());
    envelope.extend(payload.map(|payload: Json| (spelt("payload", version), payload)));
    let body = Json::from(envelope).to_string();
    Recalled { body, version }
}

/// What is around the payload, in either version's spelling.
struct Envelope<'a> {
    json: &'a Object,
    version: Option<i16>,
    fired_at: Option<Timestamp>,
    payload: Option<&'a Json>,
    domain: Option<String>,
    entity: Option<String>,
}

impl<'a> Envelope<'a> {
    fn of(event: &EventRecord, json: &'a Object) -> Self {
        let version = event.summary.envelope_version;
        let payload = get(json, version, "payload");
        let object = payload.and_then(Json::as_object);
        // The documents name no key of the id, so all usual spellings are taken.
        let entity = object.and_then(|payload| id(any_case(payload, "id")?));
        Self {
            json,
            version,
            fired_at: get(json, version, "timestamp").and_then(millis),
            payload,
            domain: get(json, version, "domain").and_then(id),
            entity,
        }
    }

    /// An empty one where there is none; nothing where it is none that could be a key.
    fn domain_of_entity(&self) -> Option<&str> {
        let is_there = get(self.json, self.version, "domain").is_some_and(|json| !json.is_null());
        let domain = self.domain.as_deref();
        if is_there { domain } else { Some("") }
    }

    fn text(&self, key: &str) -> Value {
        let json = get(self.json, self.version, key);
        json.map_or(Value::Null, |json| cell(Text, json))
    }

    /// A text of the payload, whatever the case of its key.
    fn of_payload(&self, key: &str) -> Value {
        let payload = self.payload.and_then(Json::as_object);
        let json = payload.and_then(|payload| any_case(payload, key));
        json.map_or(Value::Null, |json| cell(Text, json))
    }

    fn row(&self, table: &Table, version: Version, event: &EventRecord) -> Row {
        let mut row = Row::new(table, version);
        for (position, column) in table.columns.iter().enumerate() {
            let value = match column.name {
                "event_id" => Value::Integer(event.summary.id.0),
                "webhook_id" => self.text("webhookId"),
                "idempotency_id" => self.text("idempotencyId"),
                "domain" => Value::text(self.domain.clone()),
                "event" => self.text("event"),
                "version" => self
                    .version
                    .map_or(Value::Null, |version| Value::Integer(version.into())),
                "fired_at" => Value::time(self.fired_at),
                "entity_id" => Value::text(self.entity.clone()),
                "previous_status" => self.of_payload("previousStatus"),
                "status" => self.of_payload("status"),
                _ => self.snapshot(),
            };
            row.set(position, value);
        }
        row
    }

    /// The payload; of what is no envelope, all of it.
    fn snapshot(&self) -> Value {
        let text = match self.payload {
            Some(payload) => payload.to_string(),
            None if self.json.is_empty() => return Value::Null,
            None => Json::from(self.json.clone()).to_string(),
        };
        RawValue::from_string(text).map_or(Value::Null, Value::json)
    }
}

fn nothing(_row: &Row) -> Vec<Value> {
    Vec::new()
}

fn get<'a>(json: &'a Object, version: Option<i16>, key: &str) -> Option<&'a Json> {
    matches!(version, Some(1 | 2)).then(|| json.get(&spelt(key, version)))?
}

/// Version 1 has its keys in Pascal case.
fn spelt(key: &str, version: Option<i16>) -> String {
    if version == Some(1) {
        let (first, rest) = key.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    } else {
        key.to_owned()
    }
}

fn any_case<'a>(json: &'a Object, name: &str) -> Option<&'a Json> {
    json.get(name).or_else(|| {
        let mut pairs = json.iter();
        pairs.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

/// A number of milliseconds or, tolerated, a text with one in it.
fn millis(json: &Json) -> Option<Timestamp> {
    let millis = match json {
        Json::String(text) => text.trim().parse().ok(),
        json => json.as_f64(),
    };
    unix_seconds(millis? / 1000.0).ok()
}
