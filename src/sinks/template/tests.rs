//! What templates are accepted, and what they make of events.

use serde_json::json;

use super::*;
use crate::domain::{EventId, Timestamp};

fn event() -> EventSummary {
    let time = Timestamp::from_timestamp(1_775_484_130, 0).expect("a time");
    EventSummary {
        id: EventId(7),
        source: "bootcamp".into(),
        provider: "some".into(),
        delivery_id: "d-1".into(),
        event_type: Some("JOB_MOVED".into()),
        occurred_at: Some(time),
        received_at: time,
        origin: "webhook".into(),
        envelope_version: None,
        problem: None,
    }
}

fn render(source: &str, payload: &Value) -> Result<String, String> {
    let template = Template::compile(source).unwrap_or_else(|why| panic!("{source}: {why}"));
    template
        .render(&event(), payload)
        .map_err(|error| error.to_string())
}

#[test]
fn a_template_sees_the_event_and_its_payload() {
    let payload = json!({"job": {"title": "A <b> & \"c\""}, "z": 1, "a": [1.5, null, true]});
    for (source, text) in [
        ("{{ payload.job.title }}", "A <b> & \"c\""),
        (
            "{{ payload.job.employer.name.x }}|{{ payload.none | default('-') }}",
            "|-",
        ),
        (
            "{{ event.id }} {{ event.type }} {{ event.occurred_at }}",
            "7 JOB_MOVED 2026-04-06T14:02:10.000Z",
        ),
        (
            "{{ event.source }} {{ event.origin }} {{ event.problem is none }}",
            "bootcamp webhook True",
        ),
        (
            "{{ payload.job.title | urlencode }}",
            "A%20%3Cb%3E%20%26%20%22c%22",
        ),
        (
            "{% for x in payload.a %}{{ loop.index }}:{{ x | tojson }} {% endfor %}",
            "1:1.5 2:null 3:true ",
        ),
        ("{% if payload.job %}yes{% else %}no{% endif %}", "yes"),
        (
            "{% set t = payload.job.title %}{{ t | upper | length }}",
            "11",
        ),
        ("{{ payload | tojson | length > 10 }}", "True"),
    ] {
        assert_eq!(render(source, &payload).as_deref(), Ok(text), "{source}");
    }
    let json = render(r#"{"text": {{ payload.job.title | tojson }}}"#, &payload).expect("a text");
    assert_eq!(
        serde_json::from_str::<Value>(&json).expect("JSON"),
        json!({"text": "A <b> & \"c\""})
    );
    assert_eq!(
        render("[{{ payload.a }}]", &Value::Null).as_deref(),
        Ok("[]")
    );
}

#[test]
fn what_is_wrong_with_a_template_is_said_at_once() {
    for (source, why) in [
        ("a\n{{ payload.", "(in line 2)"),
        ("{% for x in payload %}", "syntax error"),
        (
            "{{ paylod.x }}",
            "there is no `paylod`: a template sees `event` and `payload`",
        ),
        (
            "a\n{{ payload.x | shout }}",
            "unknown filter: filter shout is unknown (in line 2)",
        ),
        ("{{ env('HOME') }}", "there is no `env`"),
        ("{% include '/etc/passwd' %}", "syntax error"),
        ("{% import 'x' as y %}", "syntax error"),
    ] {
        let error = Template::compile(source).expect_err(source);
        assert!(error.contains(why), "{source}: {error}");
        assert!(
            !error.contains('\n') && !error.contains("template:"),
            "{source}: {error}"
        );
    }
}

#[test]
fn what_fails_says_where_without_a_word_of_the_event() {
    let payload = json!({"s": "secret", "xs": (0..2000).collect::<Vec<_>>(), "n": 5});
    for (source, why) in [
        ("\n{{ payload.s + 1 }}", "invalid operation (in line 2)"),
        ("{{ payload.s | int }}", "invalid operation (in line 1)"),
        ("{{ payload.s.shout() }}", "unknown method (in line 1)"),
        (
            "{% for x in payload.xs %}{% for y in payload.xs %}{% endfor %}{% endfor %}",
            "it takes more than 1000000 steps",
        ),
        (
            "{% for x in payload.xs %}{{ 'long' * 10000 }}{% endfor %}",
            "it makes a text of more than 8388608 bytes",
        ),
    ] {
        let error = render(source, &payload).expect_err(source);
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(error, why, "{source}");
    }
}

#[test]
fn nothing_grows_from_turn_to_turn_of_a_loop() {
    let growing = "{% set ns = namespace(s='x') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
    let error = Template::compile(growing).expect_err("no namespace");
    assert!(error.contains("there is no `namespace`"), "{error}");
    let within = "{% set s = 'x' %}{% for i in range(40) %}{% set s = s ~ s %}{% endfor %}{{ s }}";
    assert_eq!(render(within, &json!({})), Ok("x".into()));
}

#[test]
fn debug_shows_the_template() {
    let template = Template::compile("{{ event.id }}").expect("a template");
    assert_eq!(format!("{template:?}"), r#"Template("{{ event.id }}")"#);
}
