//! What is read of Hunty's envelope before it is stored: ids, event and time. The payload waits.

use crate::{
    domain::Timestamp,
    providers::{
        Envelope,
        json::{self, Field, Problems},
    },
};

/// Version 1 and version 2 of each key; which of the two are there tells the version.
const KEYS: [&str; 14] = [
    "WebhookId",
    "IdempotencyId",
    "Domain",
    "Event",
    "Version",
    "Timestamp",
    "Payload",
    "webhookId",
    "idempotencyId",
    "domain",
    "event",
    "version",
    "timestamp",
    "payload",
];

/// Reads what can be read and notes what cannot.
pub(super) fn read(body: &[u8]) -> Envelope {
    let object = match json::object(body, &KEYS) {
        Ok(object) => object,
        Err(problem) => return Envelope::unreadable(body, problem),
    };
    let (v1, v2) = object.fields.split_at(KEYS.len() / 2);
    let present = |keys: &[Field<'_>]| keys.iter().any(Field::is_present);
    let (version, keys) = match (present(v1), present(v2)) {
        (true, false) => (1, v1),
        (false, true) => (2, v2),
        (true, true) => return unknown(body, object.problems, "keys of both V1 and V2"),
        (false, false) => return unknown(body, object.problems, "no key of an envelope"),
    };
    let &[webhook, idempotency, _, event, number, timestamp, _] = keys else {
        unreachable!("each version has seven keys");
    };
    let mut problems = object.problems;

    let webhook = problems.take("the webhook id", webhook.required_text());
    let idempotency = problems.take("the idempotency id", idempotency.required_text());
    let event_type = problems.take("the event", event.text());
    let occurred_at = problems.take("the timestamp", milliseconds(timestamp));
    let number = problems.take("the version", number.number_or_text());
    if number.is_some_and(|number| (number - f64::from(version)).abs() > f64::EPSILON) {
        problems.note(format!(
            "the version disagrees with the keys, which are V{version}'s"
        ));
    }

    Envelope {
        delivery_id: webhook.zip(idempotency).map_or_else(
            || json::digest_id(body),
            |(webhook, idempotency)| join(&webhook, &idempotency),
        ),
        event_type,
        occurred_at,
        version: Some(version),
        problem: problems.into_text(),
    }
}

fn join(webhook: &str, idempotency: &str) -> String {
    // What would make the composed id ambiguous, and nothing else.
    let part = |text: &str| text.replace('%', "%25").replace('/', "%2F");
    format!("{}/{}", part(webhook), part(idempotency))
}

/// Number or, tolerated, a string with a number in it.
fn milliseconds(field: Field<'_>) -> Result<Option<Timestamp>, &'static str> {
    let millis = field.number_or_text()?;
    millis
        .map(|millis| json::unix_seconds(millis / 1000.0))
        .transpose()
}

fn unknown(body: &[u8], mut problems: Problems, why: &str) -> Envelope {
    problems.note(why);
    Envelope::unreadable(body, problems.into_text().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::iso_millis;

    #[test]
    fn both_versions_say_the_same() {
        let v1 = read(br#"{"WebhookId":"wh_1","IdempotencyId":"i","Event":"E","Version":1,"Timestamp":1713384000000,"Payload":{}}"#);
        let v2 = read(br#"{"webhookId":"wh_1","idempotencyId":"i","event":"E","version":2,"timestamp":1713384000000,"payload":{}}"#);
        assert_eq!((v1.version, v2.version), (Some(1), Some(2)));
        for envelope in [v1, v2] {
            assert_eq!(envelope.delivery_id, "wh_1/i");
            assert_eq!(envelope.event_type.as_deref(), Some("E"));
            assert_eq!(
                envelope.occurred_at.as_ref().map(iso_millis).as_deref(),
                Some("2024-04-17T20:00:00.000Z")
            );
            assert_eq!(envelope.problem, None);
        }
    }

    #[test]
    fn a_slash_in_an_id_does_not_make_two_ids_one() {
        let id = |webhook: &str, idempotency: &str| {
            let body = format!(r#"{{"webhookId":"{webhook}","idempotencyId":"{idempotency}"}}"#);
            read(body.as_bytes()).delivery_id
        };
        assert_eq!(id("a/b", "c%d"), "a%2Fb/c%25d");
        assert_eq!(id("é ñ", "’"), "é ñ/’");
        assert_ne!(id("a/b", "c"), id("a", "b/c"));
        assert_ne!(id("a%2Fb", "c"), id("a/b", "c"));
    }

    #[test]
    fn what_disagrees_is_noted_and_keeps_its_id() {
        for (body, problem) in [
            (
                r#"{"webhookId":"w","idempotencyId":"i","version":1}"#,
                "the version disagrees with the keys, which are V2's",
            ),
            (
                r#"{"WebhookId":"w","IdempotencyId":"i","Version":7}"#,
                "the version disagrees with the keys, which are V1's",
            ),
            (
                r#"{"WebhookId":"w","IdempotencyId":"i","Timestamp":"noon"}"#,
                "the timestamp is not a number",
            ),
        ] {
            let envelope = read(body.as_bytes());
            assert_eq!(envelope.delivery_id, "w/i");
            assert_eq!(envelope.problem.as_deref(), Some(problem));
        }
    }

    #[test]
    fn without_both_ids_the_digest_stands_in() {
        for body in [
            r#"{"IdempotencyId":"i"}"#,
            r#"{"webhookId":"w"}"#,
            r#"{"webhookId":"w","idempotencyId":null}"#,
            r#"{"webhookId":"w","IdempotencyId":"i"}"#,
            "{}",
        ] {
            let envelope = read(body.as_bytes());
            assert!(envelope.delivery_id.starts_with("sha256:"), "{body}");
            assert!(envelope.problem.is_some(), "{body}");
        }
    }

    #[test]
    fn a_timestamp_may_be_a_text() {
        let envelope =
            read(br#"{"webhookId":"w","idempotencyId":"i","timestamp":"1713384000000"}"#);
        assert!(envelope.occurred_at.is_some() && envelope.problem.is_none());
    }
}
