//! Claims deliveries by lease, renews leases, and gives them back.

use std::time::Duration;

use sqlx::{SqliteConnection, SqlitePool};

use super::{
    SqliteStore,
    error::store_error,
    writer::{BACKGROUND_LIMIT, BACKGROUND_ROWS, Writer},
};
use crate::{
    domain::EventId,
    store::{
        Claim, Claimed, Held, StoreError,
        rows::{ClaimedRow, millis},
    },
};

/// What is due, and how much the bodies weigh. The two lanes are spelt out, as each has a partial index.
macro_rules! due {
    ($lane:literal) => {
        concat!(
            "
select deliveries.event_id, length(body) as bytes
from deliveries
join events on events.id = deliveries.event_id
where sink = ?1 and state = 'pending' and ",
            $lane,
            " and next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
order by next_attempt_at
limit ?2"
        )
    };
}

/// Nothing earlier about the same thing may be pending: only the first about each thing is looked at. The index
/// leads from one to the next, past all that wait behind them; `cross join` keeps to that order. What is replayed
/// later, at a rate, holds nothing back before its time.
macro_rules! due_in_order {
    ($lane:literal) => {
        concat!(
            "
with recursive keys (order_key) as (
    select min(order_key) from deliveries where sink = ?1 and state = 'pending' and order_key is not null
    union all
    select (
        select min(order_key) from deliveries
        where sink = ?1 and state = 'pending' and order_key > keys.order_key
    )
    from keys
    where order_key is not null
), ready (id) as (
    select (
        select min(id) from deliveries
        where sink = ?1 and state = 'pending' and order_key = keys.order_key
          and created_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    )
    from keys
    where order_key is not null
    union all
    select id
    from (
        select id
        from deliveries
        where sink = ?1 and state = 'pending' and ",
            $lane,
            " and next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') and order_key is null
        order by next_attempt_at
        limit ?2
    )
)
select deliveries.event_id, length(body) as bytes
from ready
cross join deliveries on deliveries.id = ready.id
cross join events on events.id = deliveries.event_id
where sink = ?1 and state = 'pending' and ",
            $lane,
            " and next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
order by next_attempt_at
limit ?2"
        )
    };
}

const DUE_FRESH: &str = due!("not backlog");
const DUE_BACKLOG: &str = due!("backlog");
const DUE_FRESH_IN_ORDER: &str = due_in_order!("not backlog");
const DUE_BACKLOG_IN_ORDER: &str = due_in_order!("backlog");

/// `?2` are the events' ids, in JSON: a statement each would go to SQLite's thread and back each.
const CLAIM: &str = "
update deliveries
set leased_by = ?3, next_attempt_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?4 / 1000.0) || ' seconds')
where sink = ?1 and event_id in (select value from json_each(?2)) and state = 'pending'
  and next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
returning event_id";

const CLAIMED: &str = "
select attempts, events.id, source, provider, delivery_id, event_type, occurred_at, received_at, origin,
       envelope_version, problem, signature, body
from json_each(?2) as claimed
cross join deliveries on sink = ?1 and event_id = claimed.value
cross join events on events.id = deliveries.event_id
order by events.id";

const HELD: &str = "
select event_id
from deliveries
where sink = ?1 and event_id in (select value from json_each(?2)) and leased_by = ?3 and state = 'pending'";

const RENEW: &str = "
update deliveries
set next_attempt_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?4 / 1000.0) || ' seconds')
where sink = ?1 and event_id = ?2 and leased_by = ?3 and state = 'pending'";

const RELEASE: &str = "
update deliveries
set next_attempt_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), leased_by = null
where sink = ?1 and event_id = ?2 and leased_by = ?3 and state = 'pending'";

/// Each lane by its own index, as most deliveries are long since delivered.
const RELEASE_ALL: &str = "
update deliveries
set next_attempt_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), leased_by = null
where id in (
    select id from deliveries where state = 'pending' and not backlog and leased_by is not null
    union all
    select id from deliveries where state = 'pending' and backlog and leased_by is not null
)";

/// What is due is found on a reader, however long that takes: events do not wait for it. Nobody else claims for
/// this sink, so what was found is still there; if not, it is left out.
pub(super) async fn claim(
    store: &SqliteStore,
    claim: &Claim<'_>,
) -> Result<Vec<Claimed>, StoreError> {
    let sql = match (claim.backlog, claim.in_order) {
        (false, false) => DUE_FRESH,
        (true, false) => DUE_BACKLOG,
        (false, true) => DUE_FRESH_IN_ORDER,
        (true, true) => DUE_BACKLOG_IN_ORDER,
    };
    let due: Vec<(i64, i64)> = sqlx::query_as(sql)
        .bind(&**claim.sink)
        .bind(claim.limit.min(BACKGROUND_LIMIT))
        .fetch_all(&store.readers)
        .await
        .map_err(store_error)?;
    let mut bytes = 0;
    let taken = due.into_iter().take_while(|(_, length)| {
        let has_room = bytes < claim.max_bytes;
        bytes += length.unsigned_abs();
        has_room
    });
    let taken: Vec<i64> = taken.map(|(event_id, _)| event_id).collect();
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let mut turn = store
        .writer
        .begin_in_background()
        .await
        .map_err(store_error)?;
    let claimed = claim_on(&mut turn.connection, &taken, claim)
        .await
        .map_err(store_error)?;
    turn.commit().await.map_err(store_error)?;
    Ok(claimed)
}

async fn claim_on(
    connection: &mut SqliteConnection,
    due: &[i64],
    claim: &Claim<'_>,
) -> sqlx::Result<Vec<Claimed>> {
    let claimed: Vec<i64> = sqlx::query_scalar(CLAIM)
        .bind(&**claim.sink)
        .bind(serde_json::json!(due).to_string())
        .bind(claim.holder)
        .bind(millis(claim.term))
        .fetch_all(&mut *connection)
        .await?;
    let rows: Vec<ClaimedRow> = sqlx::query_as(CLAIMED)
        .bind(&**claim.sink)
        .bind(serde_json::json!(claimed).to_string())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Claimed::from).collect())
}

pub(super) async fn held(
    readers: &SqlitePool,
    held: &Held<'_>,
) -> Result<Vec<EventId>, StoreError> {
    let events: Vec<i64> = held.events.iter().map(|event| event.0).collect();
    let ids: Vec<i64> = sqlx::query_scalar(HELD)
        .bind(&**held.sink)
        .bind(serde_json::json!(events).to_string())
        .bind(held.holder)
        .fetch_all(readers)
        .await
        .map_err(store_error)?;
    Ok(ids.into_iter().map(EventId).collect())
}

pub(super) async fn renew(
    writer: &Writer,
    held: &Held<'_>,
    term: Duration,
) -> Result<Vec<EventId>, StoreError> {
    let mut renewed = Vec::new();
    for events in held.events.chunks(BACKGROUND_ROWS) {
        let mut turn = writer.begin_in_background().await.map_err(store_error)?;
        for event in events {
            let done = sqlx::query(RENEW)
                .bind(&**held.sink)
                .bind(event.0)
                .bind(held.holder)
                .bind(millis(term))
                .execute(&mut turn.connection)
                .await
                .map_err(store_error)?;
            renewed.extend((done.rows_affected() > 0).then_some(*event));
        }
        turn.commit().await.map_err(store_error)?;
    }
    Ok(renewed)
}

pub(super) async fn release(writer: &Writer, held: &Held<'_>) -> Result<(), StoreError> {
    for events in held.events.chunks(BACKGROUND_ROWS) {
        let mut turn = writer.begin_in_background().await.map_err(store_error)?;
        for event in events {
            sqlx::query(RELEASE)
                .bind(&**held.sink)
                .bind(event.0)
                .bind(held.holder)
                .execute(&mut turn.connection)
                .await
                .map_err(store_error)?;
        }
        turn.commit().await.map_err(store_error)?;
    }
    Ok(())
}

pub(super) async fn release_all(writer: &Writer) -> Result<u64, StoreError> {
    let mut turn = writer.begin_in_background().await.map_err(store_error)?;
    let done = sqlx::query(RELEASE_ALL)
        .execute(&mut turn.connection)
        .await
        .map_err(store_error)?;
    turn.commit().await.map_err(store_error)?;
    Ok(done.rows_affected())
}
