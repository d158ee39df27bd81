//! Events that are no more, as well as their rows in the typed tables tell of them.

use chrono::DateTime;
use serde_json::{Map, Value as Json};

use super::{huntr, hunty, reading};
use crate::domain::{EventId, EventRecord, EventSummary, Origin, Table, Timestamp};

/// A typed table with a row for each event of a provider.
#[derive(Debug, Clone, Copy)]
pub struct Journal {
    /// The provider, as in `events.provider`.
    pub provider: &'static str,
    /// The table.
    pub table: &'static Table,
}

impl Journal {
    /// The event that a row is of: one that says the same.
    #[must_use]
    pub fn recall(&self, row: &Map<String, Json>) -> Option<EventRecord> {
        let recalled = reading(self.provider).recall(row)?;
        Some(EventRecord {
            summary: EventSummary {
                id: EventId(row.get("event_id").and_then(Json::as_i64).unwrap_or(0)),
                source: text(row, "source")?.to_owned(),
                provider: self.provider.to_owned(),
                delivery_id: text(row, "id")?.to_owned(),
                event_type: None,
                occurred_at: None,
                received_at: Timestamp::UNIX_EPOCH,
                origin: Origin::Webhook.as_str().to_owned(),
                envelope_version: recalled.version,
                problem: None,
            },
            signature: None,
            body: recalled.body.into(),
        })
    }
}

/// The journals of all providers.
pub fn journals() -> impl Iterator<Item = Journal> {
    [
        (huntr::PROVIDER, huntr::JOURNAL),
        (hunty::PROVIDER, hunty::JOURNAL),
    ]
    .into_iter()
    .map(|(provider, table)| Journal { provider, table })
}

/// What a row tells of a body.
#[derive(Debug)]
pub struct Recalled {
    /// A body that says the same.
    pub body: String,
    /// The version of its envelope.
    pub version: Option<i16>,
}

/// A column that holds text.
pub(super) fn text<'a>(row: &'a Map<String, Json>, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Json::as_str)
}

/// A column that holds a time, in milliseconds from 1970.
pub(super) fn millis(row: &Map<String, Json>, column: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text(row, column)?).ok()?;
    Some(time.timestamp_millis())
}

/// A column that holds JSON, which SQLite gives as text in a text.
pub(super) fn json(row: &Map<String, Json>, column: &str) -> Option<String> {
    match row.get(column)? {
        Json::Null => None,
        value => Some(value.to_string()),
    }
}
