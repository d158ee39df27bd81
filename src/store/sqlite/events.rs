//! Stores batches of events, and reads events back.

use async_trait::async_trait;

use super::{SqliteStore, error::store_error, insert::insert};
use crate::{
    domain::{EventId, EventRecord, EventSummary, Insertion, NewEvent, iso_millis},
    store::{
        EventFilter, EventStore, StoreError,
        rows::{EventRow, WholeEventRow},
    },
};

/// Both directions, each with its index scan.
macro_rules! list_events {
    ($direction:literal) => {
        concat!(
            "
select id, source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version,
       problem
from events
where (?1 is null or source = ?1)
  and (?2 is null or event_type = ?2)
  and (?3 is null or received_at >= ?3)
  and (?4 is null or received_at < ?4)
  and (not ?5 or problem is not null)
  and (?6 is null or id < ?6)
  and (?8 is null or id > ?8)
order by id ",
            $direction,
            "
limit ?7"
        )
    };
}

const LIST_EVENTS: &str = list_events!("desc");
const LIST_EVENTS_FORWARD: &str = list_events!("asc");

const FIND_EVENT: &str = "
select id, source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version,
       problem, signature, body
from events
where id = ?1";

/// How much a body weighs is known without reading it.
const READ_EVENTS: &str = "
with page as (
    select id, sum(length) over (order by id) - length as bytes_before
    from (select id, length(body) as length from events where id > ?1 order by id limit ?2) as lengths
)
select events.id, source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version,
       problem, signature, body
from page
join events on events.id = page.id
where bytes_before < ?3
order by events.id";

#[async_trait]
impl EventStore for SqliteStore {
    async fn insert_events(&self, events: &[NewEvent]) -> Result<Vec<Insertion>, StoreError> {
        self.identity.check()?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut turn = self.writer.begin().await.map_err(store_error)?;
        let mut insertions = Vec::with_capacity(events.len());
        for event in events {
            insertions.push(insert(&mut turn.connection, event).await?);
        }
        turn.commit().await.map_err(store_error)?;
        Ok(insertions)
    }

    async fn list_events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>, StoreError> {
        self.list(LIST_EVENTS, filter).await
    }

    async fn list_events_forward(
        &self,
        filter: &EventFilter,
    ) -> Result<Vec<EventSummary>, StoreError> {
        self.list(LIST_EVENTS_FORWARD, filter).await
    }

    async fn find_event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        let row: Option<WholeEventRow> = sqlx::query_as(FIND_EVENT)
            .bind(id.0)
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(row.map(EventRecord::from))
    }

    async fn read_events(
        &self,
        after: EventId,
        limit: u32,
        max_bytes: u64,
    ) -> Result<Vec<EventRecord>, StoreError> {
        let rows: Vec<WholeEventRow> = sqlx::query_as(READ_EVENTS)
            .bind(after.0)
            .bind(i64::from(limit))
            .bind(i64::try_from(max_bytes).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(EventRecord::from).collect())
    }
}

impl SqliteStore {
    async fn list(
        &self,
        sql: &'static str,
        filter: &EventFilter,
    ) -> Result<Vec<EventSummary>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(sql)
            .bind(&filter.source)
            .bind(&filter.event_type)
            .bind(filter.since.as_ref().map(iso_millis))
            .bind(filter.until.as_ref().map(iso_millis))
            .bind(filter.problems_only)
            .bind(filter.before.map(|id| id.0))
            .bind(i64::from(filter.limit))
            .bind(filter.after.map(|id| id.0))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(EventSummary::from).collect())
    }
}
