//! Lists deliveries, and makes many of them run again or not at all.

use sqlx::{
    PgPool, Postgres,
    postgres::{PgArguments, PgRow},
    query::QueryAs,
};

use super::{column::column, error::store_error};
use crate::{
    domain::{DeliveryState, DeliverySummary, Name},
    store::{
        DeliveryFilter, Pending, Replay, StoreError,
        rows::{DeliveryRow, PendingRow, millis},
    },
};

/// $1 to $8 as [`filtered`] binds them.
macro_rules! selected {
    () => {
        "
from deliveries
join events on events.id = deliveries.event_id
where ($1::bigint is null or deliveries.id = $1)
  and ($2::text is null or sink = $2)
  and ($3::text is null or state = $3)
  and ($4::bigint is null or deliveries.event_id = $4)
  and ($5::text is null or event_type = $5)
  and ($6::timestamptz is null or received_at >= $6)
  and ($7::timestamptz is null or received_at < $7)
  and ($8::bigint is null or deliveries.id < $8)"
    };
}

const LIST: &str = concat!(
    "
select deliveries.id, event_id, source, event_type, sink, state, attempts, created_at, next_attempt_at,
       delivered_at, last_error",
    selected!(),
    "
order by deliveries.id desc
limit $9"
);

const COUNT: &str = concat!("\nselect count(*)", selected!());

/// What is being delivered at this moment is left alone.
const RETRY: &str = concat!(
    "
with selected as (
    select deliveries.id",
    selected!(),
    " and leased_by is null
    order by deliveries.id desc
    limit $9
    for update of deliveries
)
update deliveries
set state = 'pending', created_at = now(), next_attempt_at = now(), delivered_at = null, backlog = true
from selected
where deliveries.id = selected.id
returning deliveries.id"
);

const CANCEL: &str = concat!(
    "
with selected as (
    select deliveries.id",
    selected!(),
    " and state = 'pending'
    order by deliveries.id desc
    limit $9
    for update of deliveries
)
update deliveries
set state = 'cancelled', last_error = $10, leased_by = null
from selected
where deliveries.id = selected.id
returning deliveries.id"
);

/// The time to give up is counted from when the replay is due.
///
/// What is there already is locked first, from the newest, as by every statement that locks several.
const REPLAY: &str = "
with locked as (
    select id
    from deliveries
    where sink = $1 and event_id = any($2)
    order by id desc
    for update
)
insert into deliveries (event_id, sink, order_key, backlog, created_at, next_attempt_at)
select event_id, $1, order_key, true, now() + delay_ms * interval '1 millisecond',
       now() + delay_ms * interval '1 millisecond'
from unnest($2::bigint[], $3::text[], $4::bigint[]) as replay (event_id, order_key, delay_ms)
where (select count(*) from locked) >= 0
on conflict (event_id, sink) do update
set state = 'pending', order_key = excluded.order_key, backlog = true, created_at = excluded.created_at,
    next_attempt_at = excluded.next_attempt_at, delivered_at = null, last_error = null
where deliveries.state <> 'pending'";

/// Each lane by its own index, as most deliveries are long since delivered.
const PENDING: &str = "
select sink, sum(count)::bigint as count, min(oldest) as oldest
from (
    select sink, count(*) as count, min(created_at) as oldest
    from deliveries where state = 'pending' and not backlog group by sink
    union all
    select sink, count(*) as count, min(created_at) as oldest
    from deliveries where state = 'pending' and backlog group by sink
) as lanes
group by sink
order by sink";

pub(super) async fn list(
    pool: &PgPool,
    filter: &DeliveryFilter,
    limit: u32,
) -> Result<Vec<DeliverySummary>, StoreError> {
    let rows: Vec<DeliveryRow> = filtered(LIST, filter)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    let summaries = rows.into_iter().map(DeliverySummary::try_from);
    summaries.collect::<Result<_, _>>().map_err(store_error)
}

pub(super) async fn count(pool: &PgPool, filter: &DeliveryFilter) -> Result<u64, StoreError> {
    let (count,): (i64,) = filtered(COUNT, filter)
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
    Ok(count.unsigned_abs())
}

pub(super) async fn retry(
    pool: &PgPool,
    filter: &DeliveryFilter,
    limit: u32,
) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<(i64,)> = filtered(RETRY, filter)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn cancel(
    pool: &PgPool,
    filter: &DeliveryFilter,
    limit: u32,
    reason: &str,
) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<(i64,)> = filtered(CANCEL, filter)
        .bind(i64::from(limit))
        .bind(reason)
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn replay(
    pool: &PgPool,
    sink: &Name,
    replays: &[Replay],
) -> Result<u64, StoreError> {
    let done = sqlx::query(REPLAY)
        .bind(&**sink)
        .bind(column(replays, |replay| replay.event.0))
        .bind(column(replays, |replay| replay.order_key.as_deref()))
        .bind(column(replays, |replay| millis(replay.delay)))
        .execute(pool)
        .await
        .map_err(store_error)?;
    Ok(done.rows_affected())
}

pub(super) async fn pending(pool: &PgPool) -> Result<Vec<Pending>, StoreError> {
    let rows: Vec<PendingRow> = sqlx::query_as(PENDING)
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(rows.into_iter().map(Pending::from).collect())
}

fn filtered<'q, R>(
    sql: &'static str,
    filter: &'q DeliveryFilter,
) -> QueryAs<'q, Postgres, R, PgArguments>
where
    R: for<'r> sqlx::FromRow<'r, PgRow>,
{
    sqlx::query_as(sql)
        .bind(filter.id)
        .bind(&filter.sink)
        .bind(filter.state.map(DeliveryState::as_str))
        .bind(filter.event.map(|event| event.0))
        .bind(&filter.event_type)
        .bind(filter.since)
        .bind(filter.until)
        .bind(filter.before)
}
