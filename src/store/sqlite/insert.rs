//! Inserts a batch, event by event, in the order of arrival.

use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::error::store_error;
use crate::{
    domain::{EventId, Insertion, NewEvent, iso_millis},
    store::{StoreError, rows::millis},
};

const INSERT_EVENT: &str = "
insert into events (source, provider, delivery_id, event_type, occurred_at, received_at, origin,
                    envelope_version, signature, body, problem)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
on conflict (source, delivery_id) do nothing
returning id";

const FIND_EVENT: &str = "
select id, body = ?3 as same_body from events where source = ?1 and delivery_id = ?2";

const INSERT_CONFLICT: &str = "
insert into event_conflicts (event_id, body_sha256, received_at, body)
values (?1, ?2, ?3, ?4)
on conflict do nothing";

const INSERT_DELIVERY: &str = "
insert into deliveries (event_id, sink, order_key, leased_by, created_at, next_attempt_at)
values (?1, ?2, ?3, ?4, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?5 / 1000.0) || ' seconds'))
on conflict do nothing";

/// Inserts one event of a batch, and tells what became of it.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    event: &NewEvent,
) -> Result<Insertion, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(INSERT_EVENT)
        .bind(&*event.source)
        .bind(event.provider)
        .bind(&event.delivery_id)
        .bind(&event.event_type)
        .bind(event.occurred_at.as_ref().map(iso_millis))
        .bind(iso_millis(&event.received_at))
        .bind(event.origin.as_str())
        .bind(event.envelope_version)
        .bind(&event.signature)
        .bind(&*event.body)
        .bind(&event.problem)
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
    let Some(id) = id else {
        return record_duplicate(connection, event).await;
    };
    for delivery in &event.deliveries {
        let lease = delivery.lease.as_ref();
        sqlx::query(INSERT_DELIVERY)
            .bind(id)
            .bind(&*delivery.sink)
            .bind(&delivery.order_key)
            .bind(lease.map(|lease| &*lease.holder))
            .bind(lease.map_or(0, |lease| millis(lease.term)))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    Ok(Insertion::Stored(EventId(id)))
}

async fn record_duplicate(
    connection: &mut SqliteConnection,
    event: &NewEvent,
) -> Result<Insertion, StoreError> {
    let found: Option<(i64, bool)> = sqlx::query_as(FIND_EVENT)
        .bind(&*event.source)
        .bind(&event.delivery_id)
        .bind(&*event.body)
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
    let (id, same_body) = found.ok_or(StoreError::Vanished)?;
    if !same_body {
        sqlx::query(INSERT_CONFLICT)
            .bind(id)
            .bind(&Sha256::digest(&event.body)[..])
            .bind(iso_millis(&event.received_at))
            .bind(&*event.body)
            .execute(connection)
            .await
            .map_err(store_error)?;
    }
    Ok(Insertion::Duplicate(EventId(id)))
}
