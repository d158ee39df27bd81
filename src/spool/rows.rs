//! A delivery as a row of the spool, and back.

use bytes::Bytes;
use chrono::DateTime;
use futures_util::TryStreamExt;
use sqlx::{Decode, Row, Sqlite, SqliteConnection, Type, sqlite::SqliteRow};

use crate::{
    domain::{NewEvent, Origin, Timestamp},
    providers::provider_named,
};

const INSERT: &str = "
insert into spooled_events (source, provider, delivery_id, event_type, occurred_at, received_at, envelope_version,
                            signature, body, problem)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// By the table itself: what a damaged index does not know would be left for ever.
const READ: &str = "
select id, source, provider, delivery_id, event_type, occurred_at, received_at, envelope_version, signature, body,
       problem
from spooled_events not indexed
where refusal is null
order by id
limit ?1";

/// Adds a delivery at the end.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    event: &NewEvent,
) -> sqlx::Result<()> {
    sqlx::query(INSERT)
        .bind(&*event.source)
        .bind(event.provider)
        .bind(&event.delivery_id)
        .bind(&event.event_type)
        .bind(event.occurred_at.map(|time| time.timestamp_millis()))
        .bind(event.received_at.timestamp_millis())
        .bind(event.envelope_version)
        .bind(&event.signature)
        .bind(&*event.body)
        .bind(&event.problem)
        .execute(connection)
        .await
        .map(drop)
}

/// The first `limit` deliveries that wait, or as many as have `max_bytes`: each one's number, and itself or why its row
/// cannot be read.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    limit: u32,
    max_bytes: u64,
) -> sqlx::Result<Vec<(i64, Result<NewEvent, String>)>> {
    let mut rows = sqlx::query(READ).bind(limit).fetch(connection);
    let mut deliveries = Vec::new();
    let mut bytes = 0;
    while bytes < max_bytes {
        let row = match rows.try_next().await {
            Ok(Some(row)) => row,
            // What stands before the damage can be saved.
            Err(_) if !deliveries.is_empty() => break,
            Ok(None) => break,
            Err(error) => return Err(error),
        };
        let event = event(&row);
        bytes += event.as_ref().map_or(0, |event| event.body.len() as u64);
        deliveries.push((row.try_get("id")?, event));
    }
    Ok(deliveries)
}

fn event(row: &SqliteRow) -> Result<NewEvent, String> {
    let provider: String = column(row, "provider")?;
    let source: String = column(row, "source")?;
    let occurred_at: Option<i64> = column(row, "occurred_at")?;
    let body: Vec<u8> = column(row, "body")?;
    Ok(NewEvent {
        source: source.parse().map_err(|error| format!("source: {error}"))?,
        provider: provider_named(&provider)
            .ok_or_else(|| format!("provider: {provider:?} is not known here"))?,
        delivery_id: column(row, "delivery_id")?,
        event_type: column(row, "event_type")?,
        occurred_at: occurred_at.and_then(time),
        received_at: time(column(row, "received_at")?).ok_or("received_at: is out of range")?,
        origin: Origin::Spool,
        envelope_version: column(row, "envelope_version")?,
        signature: column(row, "signature")?,
        body: Bytes::from(body),
        problem: column(row, "problem")?,
        deliveries: Vec::new(),
    })
}

/// A damaged row costs itself, and none of its neighbours.
fn column<'r, T>(row: &'r SqliteRow, name: &str) -> Result<T, String>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(name).map_err(|_| format!("{name}: is damaged"))
}

fn time(millis: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(millis)
}
