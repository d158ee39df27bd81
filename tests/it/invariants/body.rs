//! An authentic body: whatever is in it, it is an event with an id, and nothing that is made of it fails.

use base64::{Engine, prelude::BASE64_STANDARD};
use huntr_receiver::{
    deliveries::Renderer,
    domain::{EventRecord, Key, Row, Rows, Said, Table},
    providers::{journals, reading},
    sinks::{Format, Message},
    store::{read_row, write_rows},
};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{digest_id, received};

/// An id or a part of one is at most so long, and a part may take three times as much when it is encoded.
const MAX_TEXT: usize = 255;
const MAX_DELIVERY_ID: usize = 2 * 3 * MAX_TEXT + 1;

/// Checks a body that came in from this provider.
pub(crate) fn check(provider: &str, body: &[u8]) {
    let event = received(provider, body);
    assert_eq!(event, received(provider, body), "reading twice differs");
    assert_eq!(event.body, body);
    envelope(&event);
    views(&event);
    messages(&event);
    rows(&event);
}

fn envelope(event: &EventRecord) {
    let summary = &event.summary;
    let id = &summary.delivery_id;
    assert!((1..=MAX_DELIVERY_ID).contains(&id.len()), "{id}");
    assert!(!id.contains(char::is_control), "{id:?}");
    if let Some(event_type) = &summary.event_type {
        assert!(is_text(event_type), "{event_type:?}");
    }
    match &summary.problem {
        None => {
            assert!(serde_json::from_slice::<IgnoredAny>(&event.body).is_ok());
            assert_ne!(*id, digest_id(&event.body));
        }
        // A quotation would come in quotation marks.
        Some(problem) => assert!(
            (1..500).contains(&problem.len())
                && problem
                    .chars()
                    .all(|c| (' '..='~').contains(&c) && c != '"'),
            "{problem:?}"
        ),
    }
    if std::str::from_utf8(&event.body).is_err() {
        assert_eq!(*id, digest_id(&event.body));
    }
}

fn views(event: &EventRecord) {
    let reading = reading(&event.summary.provider);
    let envelope = reading.envelope(&event.body);
    assert_eq!(envelope.delivery_id, event.summary.delivery_id);
    let name = reading.cloud_event_type(event);
    assert!(name.starts_with("co.huntr.") || name.starts_with("cloud.hunty."));
    if let Some(payload) = reading.payload(event) {
        let within = event.body.as_ptr_range();
        assert!(
            within.contains(&payload.get().as_ptr()),
            "is the sender's own text"
        );
        serde_json::from_str::<Value>(payload.get()).expect("a payload that everybody reads");
    } else {
        assert!(
            event.summary.problem.is_some(),
            "unreadable without a problem"
        );
    }
    if let Some(entity) = reading.entity(&event.body) {
        assert!(is_text(&entity), "{entity:?}");
    }
    let headline = reading.headline(event);
    assert!((1..3000).contains(&headline.len()), "{headline}");
    assert!(
        !headline.contains(|c: char| c.is_control() || c == '<' || c == '>'),
        "{headline:?}"
    );
}

fn messages(event: &EventRecord) {
    let message = render(event, Format::CloudEvents);
    let json: Value = serde_json::from_slice(&message.body).expect("a CloudEvent in JSON");
    for attribute in ["id", "source", "type", "time"] {
        let value = json[attribute].as_str().expect(attribute);
        assert!(
            !value.is_empty() && !value.contains(char::is_control),
            "{attribute}: {value:?}"
        );
    }
    let payload = reading(&event.summary.provider).payload(event);
    if let Some(payload) = payload {
        let payload: Value = serde_json::from_str(payload.get()).expect("JSON");
        assert_eq!(json["data"], payload);
    } else {
        let data = json["data_base64"].as_str().expect("the body");
        assert_eq!(BASE64_STANDARD.decode(data).expect("base64"), event.body);
    }
    assert_eq!(render(event, Format::Raw).body, event.body);
    render(event, Format::Headline);
}

fn render(event: &EventRecord, format: Format) -> Message {
    let message = Renderer::new(format).render(event).expect("a message");
    let line = message.line();
    assert!(!line.iter().any(|byte| matches!(byte, b'\n' | b'\r')));
    assert!(
        serde_json::from_slice::<IgnoredAny>(&line).is_ok(),
        "a line is JSON"
    );
    message
}

fn rows(event: &EventRecord) {
    let said = reading(&event.summary.provider).project(event);
    let once = joined(&said);
    let again = reading(&event.summary.provider).project(event);
    assert_eq!(told(&once), told(&joined(&again)), "reading twice differs");
    let twice = [&said[..], &said[..]].concat();
    assert_eq!(
        told(&once),
        told(&joined(&twice)),
        "repetition changes rows"
    );
    for (table, rows) in once.tables() {
        for (key, row) in rows {
            written(table, key, row);
            recalled(event, &once, table, key, row);
        }
    }
}

fn joined(said: &[Said]) -> Rows {
    let mut rows = Rows::default();
    rows.extend(said.iter().cloned());
    rows
}

fn told(rows: &Rows) -> Vec<String> {
    told_but(rows, "")
}

/// Everything there is in the rows of all tables but one.
fn told_but(rows: &Rows, without: &str) -> Vec<String> {
    let tables = rows.tables().filter(|(table, _)| table.name != without);
    let told = tables.flat_map(|(table, rows)| {
        rows.iter()
            .map(|(key, row)| format!("{} {key:?} {row:?} {:?}", table.name, (table.derive)(row)))
    });
    told.collect()
}

/// What both databases take, and give back as it was.
fn written(table: &'static Table, key: &Key, row: &Row) {
    // The source, perhaps a domain that the sender has left out, and an id.
    assert_eq!(key.len(), table.key.len() + 1);
    assert!(
        key.iter().all(|part| part.len() <= MAX_DELIVERY_ID),
        "{key:?}"
    );
    assert!(key.last().is_some_and(|id| !id.is_empty()), "{key:?}");
    let text = write_rows(table, [(key, row)].into_iter()).expect("a row as JSON");
    let rows: Vec<Value> = serde_json::from_str(&text).expect("what every database reads");
    assert!(!rows[0].to_string().contains("\\u0000"), "{text}");
    if table.merges {
        let one = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let (read_key, read_row) = read_row(table, one.expect("an array")).expect("a row");
        assert_eq!((&read_key, &read_row), (key, row), "{text}");
    }
}

/// Of an event that is no more, its row tells all that the event said of others. It has the event's JSON, though not
/// its white space.
fn recalled(event: &EventRecord, rows: &Rows, table: &'static Table, key: &Key, row: &Row) {
    let mut journals = journals();
    let Some(journal) = journals.find(|journal| journal.table.name == table.name) else {
        return;
    };
    let text = write_rows(table, [(key, row)].into_iter()).expect("a row as JSON");
    let written: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&text).expect("JSON");
    let recalled = journal.recall(&written[0]).expect("an event");
    assert_eq!(recalled.summary.delivery_id, event.summary.delivery_id);
    let again = joined(&reading(&event.summary.provider).project(&recalled));
    assert_eq!(
        told_but(rows, table.name),
        told_but(&again, table.name),
        "the row tells less than its event"
    );
}

fn is_text(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control)
}
