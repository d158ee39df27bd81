//! What is read of an Action before it is stored: id, type and time. All else waits.

use crate::{
    domain::Timestamp,
    providers::{
        Envelope,
        json::{self, Field},
    },
};

/// The legacy Event had `eventType`; an Action has `actionType`. Times are Unix seconds.
const KEYS: [&str; 5] = ["id", "actionType", "eventType", "date", "createdAt"];

/// Reads what can be read and notes what cannot.
pub(super) fn read(body: &[u8]) -> Envelope {
    let object = match json::object(body, &KEYS) {
        Ok(object) => object,
        Err(problem) => return Envelope::unreadable(body, problem),
    };
    let [id, action_type, event_type, date, created_at] = object.fields;
    let mut problems = object.problems;

    let id = problems.take("id", id.required_text());
    let action_type = problems.take("actionType", action_type.text());
    let event_type = problems.take("eventType", event_type.text());
    let date = problems.take("date", seconds(date));
    let created_at = problems.take("createdAt", seconds(created_at));

    Envelope {
        delivery_id: id.unwrap_or_else(|| json::digest_id(body)),
        event_type: action_type.or(event_type),
        occurred_at: date.or(created_at),
        version: None,
        problem: problems.into_text(),
    }
}

fn seconds(field: Field<'_>) -> Result<Option<Timestamp>, &'static str> {
    field.number()?.map(json::unix_seconds).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::iso_millis;

    #[test]
    fn an_action_gives_id_type_and_time() {
        let envelope = read(br#"{"id":"5eb0a4338899ba51bf96f646","actionType":"JOB_CREATED","date":1588634675,"createdAt":1588634676}"#);
        assert_eq!(envelope.delivery_id, "5eb0a4338899ba51bf96f646");
        assert_eq!(envelope.event_type.as_deref(), Some("JOB_CREATED"));
        assert_eq!(
            envelope.occurred_at.as_ref().map(iso_millis).as_deref(),
            Some("2020-05-04T23:24:35.000Z")
        );
        assert_eq!(envelope.problem, None);
    }

    #[test]
    fn a_test_delivery_of_the_event_era_is_an_event_like_any_other() {
        let envelope = read(br#"{"id":"a","eventType":"TEST","createdAt":1588634675.25}"#);
        assert_eq!(envelope.event_type.as_deref(), Some("TEST"));
        assert_eq!(
            envelope.occurred_at.as_ref().map(iso_millis).as_deref(),
            Some("2020-05-04T23:24:35.250Z")
        );
        assert_eq!(envelope.problem, None);
    }

    #[test]
    fn wrong_types_are_noted_one_by_one() {
        let envelope = read(br#"{"id":7,"actionType":{},"date":"soon","createdAt":1588634675}"#);
        assert!(envelope.delivery_id.starts_with("sha256:"));
        assert_eq!(envelope.event_type, None);
        assert!(envelope.occurred_at.is_some());
        insta::assert_snapshot!(envelope.problem.expect("a problem"), @"id is not a string; actionType is not a string; date is not a number");
    }

    #[test]
    fn milliseconds_are_not_taken_for_seconds() {
        let envelope = read(br#"{"id":"a","date":1588634675000}"#);
        assert_eq!(envelope.occurred_at, None);
        assert_eq!(envelope.problem.as_deref(), Some("date is out of range"));
    }
}
