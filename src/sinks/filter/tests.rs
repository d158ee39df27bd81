//! What expressions are accepted, and what they say of events.

use serde_json::json;

use super::*;
use crate::domain::EventId;

fn event() -> EventSummary {
    let time = DateTime::from_timestamp(1_775_484_130, 250_000_000).expect("a time");
    EventSummary {
        id: EventId(7),
        source: "bootcamp".into(),
        provider: "some".into(),
        delivery_id: "d-1".into(),
        event_type: Some("JOB_MOVED".into()),
        occurred_at: Some(time),
        received_at: time + chrono::TimeDelta::hours(2),
        origin: "webhook".into(),
        envelope_version: None,
        problem: None,
    }
}

fn decide(source: &str, payload: &Value) -> Result<bool, String> {
    let filter = Filter::compile(source).unwrap_or_else(|why| panic!("{source}: {why}"));
    filter
        .decide(&event(), payload)
        .map_err(|error| error.to_string())
}

#[test]
fn an_expression_sees_the_event_and_its_payload() {
    let payload = json!({
        "activityCategory": {"name": "Offer Received"}, "completed": true, "date": 1_775_484_130, "half": 0.5,
        "large": 18_446_744_073_709_551_615_u64, "none": null, "tags": ["a", "b"], "jobs": [{"title": "x"}],
        "a b": "Ünï",
    });
    for source in [
        r#"payload.activityCategory.name == "Offer Received""#,
        r#"has(payload.activityCategory) && payload.activityCategory.name.startsWith("Offer")"#,
        "!has(payload.employer) && !(has(payload.employer) && has(payload.employer.name))",
        r#"payload.?employer.?name.orValue("") == """#,
        r#"payload.activityCategory.name.lowerAscii() == "offer received""#,
        r#"payload.activityCategory.name.matches("^(?i)offer")"#,
        r#"payload["a b"] == "Ünï" && size(payload["a b"]) == 3"#,
        r#"payload.completed && payload.none == null && "a" in payload.tags && "none" in payload"#,
        "payload.date + 1 == 1775484131 && payload.date > 1.5 && payload.half < 1 && payload.half * 2.0 == 1",
        "payload.large > 9223372036854775807 && payload.large == 18446744073709551615u",
        r#"payload.jobs.exists(job, job.title == "x") && payload.tags.all(t, t != "c")"#,
        r#"payload.tags.map(t, t + "!")[1] == "b!" && payload.tags.filter(t, t == "a").size() == 1"#,
        r#"event.type == "JOB_MOVED" && event.id == 7 && event.source == "bootcamp" && event.problem == null"#,
        r#"event.received_at - event.occurred_at == duration("2h")"#,
        r#"event.occurred_at > timestamp("2026-01-01T00:00:00Z") && event.occurred_at.getFullYear() == 2026"#,
        "type(payload.date) == int && type(payload.half) == double && string(event.id) == '7'",
        "type(event.occurred_at) == google.protobuf.Timestamp",
        "optional.of(1).hasValue()",
    ] {
        assert_eq!(decide(source, &payload), Ok(true), "{source}");
    }
}

#[test]
fn what_has_no_answer_says_why_without_a_word_of_the_event() {
    let payload = json!({"s": "secret", "n": 5, "key": "secret", "m": {"x": 1}, "xs": ["secret"]});
    for (source, why) in [
        (
            "payload.a.b == 1",
            "the event has no `a`; ask for it with has(…), or limit the sink with `types`",
        ),
        (
            "payload.s",
            "the answer is neither true nor false, but of the type string",
        ),
        (
            "payload.m[payload.key] == 1",
            "the event has not the key that is looked up",
        ),
        (
            "payload.s > payload.n",
            "found no matching overload for '_>_' applied to '(string, int)'",
        ),
        (
            "payload.s + payload.n == 1",
            "values of types that do not go together",
        ),
        ("payload.n / 0 == 1", "a division by zero"),
        (
            "payload.n + 9223372036854775807 > 0",
            "a number out of range",
        ),
        ("payload.xs[3] == 1", "a list is shorter than the index"),
        ("payload.s.matches('(')", "the function `matches` fails"),
        ("int(payload.s) == 1", "the function `int` fails"),
        (
            "timestamp(payload.s) == event.occurred_at",
            "the function `timestamp` fails",
        ),
    ] {
        let error = decide(source, &payload).expect_err(source);
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(error, why, "{source}");
    }
    // The body is not JSON.
    assert!(decide("payload.a == 1", &Value::Null).is_err());
    assert_eq!(decide("payload == null", &Value::Null), Ok(true));
}

#[test]
fn what_is_wrong_with_an_expression_is_said_at_once() {
    for (source, why) in [
        ("", "line 1"),
        ("payload.a ==", "line 1"),
        ("payload.a == 'never\nclosed\0", "line 1"),
        (
            "paylod.a == 1",
            "there is no `paylod`: an expression sees `event` and `payload`",
        ),
        ("payload.xs.all(x, y == 1)", "there is no `y`"),
        ("payload.xs.all(x, x) && x", "there is no `x`"),
        (
            "payload.s.startswith('a')",
            "there is no function `startswith`",
        ),
        ("lower(payload.s) == 'a'", "there is no function `lower`"),
        ("payload.xs.all(1)", "there is no function `all`"),
        ("env('HOME') == ''", "there is no function `env`"),
    ] {
        let error = Filter::compile(source).expect_err(source);
        assert!(error.contains(why), "{source}: {error}");
        assert!(!error.contains('\n'), "{source}: {error}");
    }
    let deep = format!("{}1{} == 1", "(".repeat(5000), ")".repeat(5000));
    for source in [
        &deep[..],
        &deep[4950..5052],
        &"!".repeat(4000),
        &"-".repeat(4000),
        &"a.".repeat(2000),
    ] {
        assert!(Filter::compile(source).is_err());
    }
    let long = format!("{}true", "true && ".repeat(500));
    assert!(
        Filter::compile(&long).is_ok_and(|filter| filter.decide(&event(), &Value::Null).is_ok())
    );
}

#[test]
fn a_hostile_payload_costs_no_more_than_a_second_or_so() {
    let many = json!({"xs": (0..100_000).collect::<Vec<_>>(), "s": "a".repeat(100_000)});
    for source in [
        "payload.xs.exists(x, payload.xs.exists(y, x + y < 0))",
        "payload.xs.map(x, payload.xs).all(l, l.size() == 0)",
        "payload.s.split('').all(c, payload.s.split('').all(d, c == d))",
    ] {
        let error = decide(source, &many).expect_err(source);
        assert_eq!(
            error,
            "the event is too large for an expression with loops in loops"
        );
        assert!(decide(source, &json!({"xs": [1, 2], "s": "aa"})).is_ok());
    }
    assert_eq!(decide("payload.xs.exists(x, x == 99999)", &many), Ok(true));

    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!({ "x": [deep] });
    }
    assert_eq!(
        decide("payload == payload && has(payload.x)", &deep),
        Ok(true)
    );
}

#[test]
fn loops_over_lists_of_its_own_are_bounded_at_the_start() {
    let nested = |depth: usize| {
        let list = "[1,2,3,4,5,6,7,8,9,10]";
        (0..depth).fold("1".to_owned(), |inner, level| {
            format!("{list}.map(v{level}, {inner})")
        })
    };
    let source = format!("{}.size() > 5", nested(6));
    let error = Filter::compile(&source).expect_err("too much");
    assert!(error.contains("too long with every event"), "{error}");
    let source = format!("{}.size() > 5", nested(3));
    assert_eq!(decide(&source, &json!({})), Ok(true));
}

#[test]
fn debug_shows_the_expression() {
    let filter = Filter::compile("payload.a == 1").expect("an expression");
    assert_eq!(format!("{filter:?}"), r#"Filter("payload.a == 1")"#);
}
