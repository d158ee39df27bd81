//! Rows as both backends read them: the columns have the same names.

use serde_json::{Map, Value};

use crate::domain::{EventId, EventRecord, EventSummary, RejectedId, StoredRejection, Timestamp};

/// A row of `events` without its body.
#[derive(sqlx::FromRow)]
pub(super) struct EventRow {
    id: i64,
    source: String,
    provider: String,
    delivery_id: String,
    event_type: Option<String>,
    occurred_at: Option<Timestamp>,
    received_at: Timestamp,
    origin: String,
    envelope_version: Option<i16>,
    problem: Option<String>,
}

impl From<EventRow> for EventSummary {
    fn from(row: EventRow) -> Self {
        Self {
            id: EventId(row.id),
            source: row.source,
            provider: row.provider,
            delivery_id: row.delivery_id,
            event_type: row.event_type,
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            origin: row.origin,
            envelope_version: row.envelope_version,
            problem: row.problem,
        }
    }
}

/// A row of `events`, whole.
#[derive(sqlx::FromRow)]
pub(super) struct WholeEventRow {
    #[sqlx(flatten)]
    summary: EventRow,
    signature: Option<String>,
    body: Vec<u8>,
}

impl From<WholeEventRow> for EventRecord {
    fn from(row: WholeEventRow) -> Self {
        Self {
            summary: row.summary.into(),
            signature: row.signature,
            body: row.body,
        }
    }
}

/// A row of `rejected_requests`; `headers` is read as text.
#[derive(sqlx::FromRow)]
pub(super) struct RejectedRow {
    id: i64,
    received_at: Timestamp,
    headers: String,
    body: Vec<u8>,
}

impl TryFrom<RejectedRow> for StoredRejection {
    type Error = sqlx::Error;

    fn try_from(row: RejectedRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: RejectedId(row.id),
            received_at: row.received_at,
            headers: serde_json::from_str(&row.headers)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            body: row.body,
        })
    }
}

/// The headers of a refused request as `rejected_requests.headers` takes them.
///
/// `jsonb` has no NUL, and what a sender writes never fails a row, so it becomes U+FFFD, on SQLite too.
pub(super) fn headers_text(headers: &Map<String, Value>) -> String {
    let has_nul = |(name, value): (&String, &Value)| {
        name.contains('\0') || value.as_str().is_some_and(|text| text.contains('\0'))
    };
    if !headers.iter().any(has_nul) {
        return Value::Object(headers.clone()).to_string();
    }
    let cleaned = headers.iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.replace('\0', "\u{fffd}").into(),
            other => other.clone(),
        };
        (name.replace('\0', "\u{fffd}"), value)
    });
    Value::Object(cleaned.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_in_a_header_becomes_a_replacement_character() {
        let headers = Map::from_iter([("x-\0".to_owned(), Value::from("a\0b"))]);
        assert_eq!(headers_text(&headers), "{\"x-\u{fffd}\":\"a\u{fffd}b\"}");
    }

    #[test]
    fn other_headers_stay_as_they_are() {
        let headers = Map::from_iter([("x-a".to_owned(), Value::from("\\u0000 é"))]);
        assert_eq!(headers_text(&headers), r#"{"x-a":"\\u0000 é"}"#);
    }
}
