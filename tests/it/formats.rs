//! What sinks are sent: CloudEvents checked against the specification's own schema, raw bodies, templates.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use figment::value::Dict;
use huntr_receiver::{
    deliveries::Renderer,
    domain::{EventId, EventRecord, EventSummary, NewEvent, Origin, Timestamp},
    providers::{Config, Credential, Source, sample_event},
    sinks::{Format, Message, Template},
};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

const PROVIDERS: [&str; 2] = ["huntr", "hunty"];

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("formats/cloudevents.schema.json"));
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema.expect("JSON"))
        .expect("a schema")
});

fn source(provider: &str) -> Source {
    let trusting: Dict = [("verify".to_owned(), false.into())].into();
    let config = Config::read(provider, &trusting.into()).expect("options");
    Source::new(provider.parse().expect("a name"), config.build())
}

/// An event with this body, as the receiver would have stored it.
fn event(provider: &str, body: &[u8]) -> EventRecord {
    let source = source(provider);
    let verified = source
        .provider()
        .verify(Credential::Unasked, body.to_vec().into());
    stored(source.event(verified.expect("believed"), now(), Origin::Webhook))
}

fn stored(event: NewEvent) -> EventRecord {
    EventRecord {
        summary: EventSummary {
            id: EventId(42),
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
        signature: Some("c2lnbmF0dXJl".into()),
        body: event.body,
    }
}

fn now() -> Timestamp {
    Timestamp::from_timestamp_millis(1_795_255_200_123).expect("a time")
}

fn render(format: Format, event: &EventRecord) -> Message {
    Renderer::new(format).render(event).expect("a message")
}

/// The event as a CloudEvent that the specification allows.
fn cloud_event(event: &EventRecord) -> Value {
    let message = render(Format::CloudEvents, event);
    assert_eq!(message.content_type, "application/cloudevents+json");
    let json: Value = serde_json::from_slice(&message.body).expect("JSON");
    let errors: Vec<_> = SCHEMA
        .iter_errors(&json)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "{json}");
    // What the specification says in words, and the schema does not.
    let object = json.as_object().expect("an object");
    for (name, value) in object {
        let is_data = ["data", "data_base64"].contains(&name.as_str());
        let is_name = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        assert!(is_data || (is_name && name.len() <= 20), "{name}");
        assert!(
            is_data || value.as_str().is_some_and(|text| !text.is_empty()),
            "{name}: {value}"
        );
        assert!(
            is_data
                || !value
                    .as_str()
                    .is_some_and(|text| text.contains(char::is_control))
        );
    }
    assert_ne!(
        object.contains_key("data"),
        object.contains_key("data_base64")
    );
    let line = message.line();
    assert_eq!(serde_json::from_slice::<Value>(&line).expect("JSON"), json);
    assert!(!line.contains(&b'\n'));
    json
}

#[test]
fn every_sample_is_a_cloud_event() {
    for provider in PROVIDERS {
        for sample in source(provider).provider().samples() {
            let event = event(provider, sample.body.as_bytes());
            let json = cloud_event(&event);
            assert_eq!(json["id"], event.summary.delivery_id);
            assert!(json["data"].is_object(), "{}", sample.name);
            assert_eq!(json.get("problem"), None);
            let unstored = sample_event(provider, sample, now());
            assert_eq!(cloud_event(&unstored), json, "{}", sample.name);
        }
    }
}

#[test]
fn a_cloud_event_is_this() {
    let body = r#"{ "id":"e1", "actionType":"JOB_MOVED", "date":1588634675.5,
        "ownerMember":{"id":"m1"}, "salary": 1.0e2, "s": "\u00e9\/" }"#;
    let message = render(Format::CloudEvents, &event("huntr", body.as_bytes()));
    assert_eq!(message.id(), "evt_42");
    assert_eq!(message.entity.as_deref(), Some("m1"));
    assert_eq!(message.event_type.as_deref(), Some("JOB_MOVED"));
    assert_snapshot!(std::str::from_utf8(&message.body).expect("text"), @r#"
    {"specversion":"1.0","id":"e1","source":"/huntr-receiver/huntr","type":"co.huntr.JOB_MOVED","subject":"m1","time":"2020-05-04T23:24:35.500Z","recordedtime":"2026-11-21T10:00:00.123Z","datacontenttype":"application/json","data":{ "id":"e1", "actionType":"JOB_MOVED", "date":1588634675.5,
            "ownerMember":{"id":"m1"}, "salary": 1.0e2, "s": "\u00e9\/" }}
    "#);
    let body = r#"{"WebhookId":"w/1","IdempotencyId":"i","Domain":"candidate","Event":"E","Version":1,
        "Timestamp":1713384000000,"Payload":{"Id":5}}"#;
    assert_snapshot!(cloud_event(&event("hunty", body.as_bytes())), @r#"{"specversion":"1.0","id":"w%2F1/i","source":"/huntr-receiver/hunty","type":"cloud.hunty.candidate.E","subject":"5","time":"2024-04-17T20:00:00.000Z","recordedtime":"2026-11-21T10:00:00.123Z","datacontenttype":"application/json","data":{"Id":5}}"#);
}

#[test]
fn what_was_not_understood_is_a_cloud_event_too() {
    for (provider, body, event_type, problem) in [
        (
            "huntr",
            &br#"{"id":"t","eventType":"TEST"}"#[..],
            "co.huntr.TEST",
            None,
        ),
        ("huntr", br#"{"id":"t"}"#, "co.huntr.unknown", None),
        ("huntr", b"{}", "co.huntr.unknown", Some("id is missing")),
        (
            "huntr",
            br#"{"id":"t","actionType":"a\uffffb"}"#,
            "co.huntr.a\u{fffd}b",
            None,
        ),
        (
            "huntr",
            b"[1]",
            "co.huntr.unknown",
            Some("not a JSON object"),
        ),
        (
            "huntr",
            br#"{"id":"t","id2":"\u0000"}"#,
            "co.huntr.unknown",
            Some("a NUL character"),
        ),
        (
            "hunty",
            br#"{"webhookId":"w","idempotencyId":"i"}"#,
            "cloud.hunty.unknown",
            None,
        ),
        (
            "hunty",
            br#"{"webhookId":"w","idempotencyId":"i","event":"E"}"#,
            "cloud.hunty.E",
            None,
        ),
        (
            "hunty",
            br#"{"WebhookId":"w","webhookId":"w"}"#,
            "cloud.hunty.unknown",
            Some("keys of both"),
        ),
    ] {
        let json = cloud_event(&event(provider, body));
        assert_eq!(json["type"], event_type);
        assert_eq!(json["time"], "2026-11-21T10:00:00.123Z");
        assert_eq!(
            json["data"],
            serde_json::from_slice::<Value>(body).expect("JSON")
        );
        let noted = json["problem"].as_str();
        assert_eq!(noted.is_some(), problem.is_some(), "{json}");
        assert!(
            problem.is_none_or(|problem| noted.unwrap_or_default().contains(problem)),
            "{json}"
        );
    }
    let deep = format!(r#"{{"id":"t","x":{}{}}}"#, "[".repeat(126), "]".repeat(126));
    for body in [
        &b""[..],
        b"hello",
        b"\xff\xfe",
        br#"{"id":"t","x":"\ud800"}"#,
        br#"{"x":1e999}"#,
        deep.as_bytes(),
    ] {
        for provider in PROVIDERS {
            let json = cloud_event(&event(provider, body));
            assert_eq!(json["datacontenttype"], "application/octet-stream");
            assert_eq!(json["data_base64"], BASE64_STANDARD.encode(body));
        }
    }
}

#[test]
fn raw_is_what_was_received_with_its_signature() {
    let body = b" { \"id\":\"\\u0061\" }\n";
    let message = render(Format::Raw, &event("huntr", body));
    assert_eq!(
        (&message.body[..], message.content_type),
        (&body[..], "application/json")
    );
    assert_eq!(
        message.headers,
        [("x-huntr-hmac-sha256", "c2lnbmF0dXJl".to_owned())]
    );
    let message = render(Format::Raw, &event("hunty", b"\xff"));
    assert_eq!(
        (&message.body[..], message.content_type),
        (&b"\xff"[..], "application/octet-stream")
    );
    assert_eq!(message.headers, []);
    assert_eq!(&message.line()[..], br#"{"data_base64":"/w=="}"#);
}

#[test]
fn a_template_makes_json_or_text() {
    let event = event(
        "hunty",
        br#"{"webhookId":"w","idempotencyId":"i","event":"E","payload":{"name":"A \"b\""}}"#,
    );
    let of = |template: &str| {
        let template = Template::compile(template).expect("a template");
        let message = render(Format::Template(template), &event);
        (
            message.content_type,
            String::from_utf8(message.body.into()).expect("text"),
        )
    };
    let (content_type, text) = of("{{ event.type }} {{ payload.name }} {{ payload.a.b.c }}");
    assert_eq!(
        (content_type, &text[..]),
        ("text/plain; charset=utf-8", "E A \"b\" ")
    );
    let (content_type, text) = of(r#"{"id": {{ event.id }}, "name": {{ payload.name | tojson }}}"#);
    assert_eq!(content_type, "application/json");
    assert_eq!(
        serde_json::from_str::<Value>(&text).expect("JSON"),
        json!({"id": 42, "name": "A \"b\""})
    );
    let failing = Template::compile("{{ payload.name + 1 }}").expect("a template");
    let error = Renderer::new(Format::Template(failing))
        .render(&event)
        .expect_err("a failure");
    assert_eq!(
        error.to_string(),
        "the template fails on this event: invalid operation (in line 1); correct `template`, then retry the delivery"
    );
}

/// Bodies that nearly are what a vendor sends.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<&str> = PROVIDERS
        .into_iter()
        .flat_map(|provider| source(provider).provider().samples())
        .map(|sample| sample.body)
        .collect();
    let changed = (
        prop::sample::select(samples),
        any::<prop::sample::Index>(),
        any::<Vec<u8>>(),
    );
    let changed = changed.prop_map(|(body, at, bytes)| {
        let mut body = body.as_bytes().to_vec();
        let at = at.index(body.len());
        let end = (at + bytes.len() / 2).min(body.len());
        body.splice(at..end, bytes);
        body
    });
    let text = r#"[{}\[\]",:0-9eE.\\ud]{0,60}"#.prop_map(String::into_bytes);
    let value =
        r#"("[a\\u0d\n]{0,8}"|-?[0-9]{1,3}(\.[0-9]|e[0-9]{3})?|null|\[\]|\{"id":("x"|7)\})"#;
    let key = "(id|actionType|eventType|date|member|ownerMember|memberId|webhookId|WebhookId|IdempotencyId|\
               Event|event|domain|Domain|payload|Payload|job|employer)";
    let object = prop::collection::vec((key, value), 0..6).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{{{}}}", pairs.join(",")).into_bytes()
    });
    prop_oneof![any::<Vec<u8>>(), changed, text, object]
}

proptest! {
    #[test]
    fn whatever_is_stored_can_be_sent(body in bodies(), provider in prop::sample::select(PROVIDERS.to_vec())) {
        let event = event(provider, &body);
        let json = cloud_event(&event);
        if let Some(data) = json.get("data_base64") {
            prop_assert_eq!(data, &BASE64_STANDARD.encode(&body));
        }
        prop_assert_eq!(&render(Format::Raw, &event).body[..], &body[..]);
        let headline = render(Format::Headline, &event);
        let headline = std::str::from_utf8(&headline.body).expect("text");
        prop_assert!(!headline.is_empty() && headline.len() < 3000);
        prop_assert!(!headline.contains(char::is_control));
        let template = Template::compile("{{ event | tojson }}{{ payload | tojson }}").expect("a template");
        render(Format::Template(template), &event);
    }
}
