//! Rows as both backends read them: the columns have the same names.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Claimed, Pending};
use crate::domain::{
    DeliverySummary, EventId, EventRecord, EventSummary, Outcome, RejectedId, Settlement,
    StoredRejection, Timestamp, iso_millis,
};

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
            body: row.body.into(),
        }
    }
}

/// A delivery that was claimed, with its event.
#[derive(sqlx::FromRow)]
pub(super) struct ClaimedRow {
    attempts: i32,
    #[sqlx(flatten)]
    event: WholeEventRow,
}

impl From<ClaimedRow> for Claimed {
    fn from(row: ClaimedRow) -> Self {
        Self {
            attempts: row.attempts.unsigned_abs(),
            event: row.event.into(),
        }
    }
}

/// A row of `deliveries`, with what lists show of its event.
#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
    id: i64,
    event_id: i64,
    source: String,
    event_type: Option<String>,
    sink: String,
    state: String,
    attempts: i32,
    created_at: Timestamp,
    next_attempt_at: Timestamp,
    delivered_at: Option<Timestamp>,
    last_error: Option<String>,
}

impl TryFrom<DeliveryRow> for DeliverySummary {
    type Error = sqlx::Error;

    fn try_from(row: DeliveryRow) -> Result<Self, sqlx::Error> {
        let state = row.state.parse();
        Ok(Self {
            id: row.id,
            event_id: EventId(row.event_id),
            source: row.source,
            event_type: row.event_type,
            sink: row.sink,
            state: state
                .map_err(|error: crate::domain::UnknownState| sqlx::Error::Decode(error.into()))?,
            attempts: row.attempts.unsigned_abs(),
            created_at: row.created_at,
            next_attempt_at: row.next_attempt_at,
            delivered_at: row.delivered_at,
            last_error: row.last_error,
        })
    }
}

/// What is pending for one sink.
#[derive(sqlx::FromRow)]
pub(super) struct PendingRow {
    sink: String,
    count: i64,
    oldest: Timestamp,
}

impl From<PendingRow> for Pending {
    fn from(row: PendingRow) -> Self {
        Self {
            sink: row.sink,
            count: row.count.unsigned_abs(),
            oldest: row.oldest,
        }
    }
}

/// A settlement as the statement that records it takes it.
#[derive(Serialize)]
pub(super) struct SettlementRow<'a> {
    pub(super) event_id: i64,
    pub(super) sink: &'a str,
    /// `delivered`, `failed`, `rejected`, as in `delivery_attempts.outcome`, or `cancelled`.
    pub(super) outcome: &'static str,
    pub(super) error: Option<&'a str>,
    pub(super) delay_ms: i64,
    pub(super) give_up_ms: i64,
    /// `None` where there was no attempt.
    #[serde(serialize_with = "as_text")]
    pub(super) started_at: Option<Timestamp>,
    pub(super) duration_ms: i32,
    pub(super) status_code: Option<i32>,
    pub(super) response: Option<&'a str>,
}

impl<'a> From<&'a Settlement> for SettlementRow<'a> {
    fn from(settlement: &'a Settlement) -> Self {
        let (outcome, error, delay, give_up_after) = match &settlement.outcome {
            Outcome::Delivered => ("delivered", None, Duration::ZERO, Duration::ZERO),
            Outcome::Retry {
                error,
                delay,
                give_up_after,
            } => ("failed", Some(error), *delay, *give_up_after),
            Outcome::Dead { error } => ("rejected", Some(error), Duration::ZERO, Duration::ZERO),
            Outcome::Cancelled { reason } => {
                ("cancelled", Some(reason), Duration::ZERO, Duration::ZERO)
            }
        };
        let attempt = settlement.attempt.as_ref();
        Self {
            event_id: settlement.event.0,
            sink: &settlement.sink,
            outcome,
            error: error.map(String::as_str),
            delay_ms: millis(delay),
            give_up_ms: millis(give_up_after),
            started_at: attempt.map(|attempt| attempt.started_at),
            duration_ms: attempt.map_or(0, |attempt| {
                i32::try_from(attempt.duration.as_millis()).unwrap_or(i32::MAX)
            }),
            status_code: attempt.and_then(|attempt| attempt.status_code.map(i32::from)),
            response: attempt.and_then(|attempt| attempt.response.as_deref()),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn as_text<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_ref().map(iso_millis).serialize(serializer)
}

/// Whole milliseconds, at most what can be added to a time.
pub(super) fn millis(duration: Duration) -> i64 {
    const A_MILLENNIUM: i64 = 1000 * 366 * 24 * 3600 * 1000;
    i64::try_from(duration.as_millis()).map_or(A_MILLENNIUM, |millis| millis.min(A_MILLENNIUM))
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
