//! A delivery as a row of the spool, and back.

use bytes::Bytes;
use chrono::DateTime;
use futures_util::TryStreamExt;
use sqlx::{FromRow, SqliteConnection};

use super::{SpoolId, Spooled};
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

/// The first `limit` deliveries that wait, or as many as have `max_bytes`.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    limit: u32,
    max_bytes: u64,
) -> sqlx::Result<Vec<Spooled>> {
    let mut rows = sqlx::query_as::<_, Row>(READ).bind(limit).fetch(connection);
    let mut deliveries = Vec::new();
    let mut bytes = 0;
    while bytes < max_bytes
        && let Some(row) = rows.try_next().await?
    {
        bytes += row.body.len() as u64;
        deliveries.push(Spooled {
            id: SpoolId(row.id),
            event: row.into_event(),
        });
    }
    Ok(deliveries)
}

#[derive(FromRow)]
struct Row {
    id: i64,
    source: String,
    provider: String,
    delivery_id: String,
    event_type: Option<String>,
    occurred_at: Option<i64>,
    received_at: i64,
    envelope_version: Option<i16>,
    signature: Option<String>,
    body: Vec<u8>,
    problem: Option<String>,
}

impl Row {
    fn into_event(self) -> Result<NewEvent, String> {
        let provider = provider_named(&self.provider)
            .ok_or_else(|| format!("its provider {:?} is not known here", self.provider))?;
        let source = self.source.parse();
        let source = source.map_err(|error| format!("its source: {error}"))?;
        let received_at = time(self.received_at).ok_or("its received_at is out of range")?;
        Ok(NewEvent {
            source,
            provider,
            delivery_id: self.delivery_id,
            event_type: self.event_type,
            occurred_at: self.occurred_at.and_then(time),
            received_at,
            origin: Origin::Spool,
            envelope_version: self.envelope_version,
            signature: self.signature,
            body: Bytes::from(self.body),
            problem: self.problem,
            deliveries: Vec::new(),
        })
    }
}

fn time(millis: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(millis)
}
