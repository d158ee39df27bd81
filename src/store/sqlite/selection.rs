//! Lists deliveries, and makes many of them run again or not at all.

use sqlx::{
    Sqlite, SqlitePool,
    query::{QueryAs, QueryScalar},
    sqlite::SqliteArguments,
};

use super::{
    SqliteStore,
    error::store_error,
    writer::{BACKGROUND_ROWS, Writer},
};
use crate::{
    domain::{DeliveryState, DeliverySummary, Name, iso_millis},
    store::{
        DeliveryFilter, Pending, Replay, StoreError,
        rows::{DeliveryRow, PendingRow, millis},
    },
};

/// ?1 to ?8 as [`filtered`] binds them.
macro_rules! selected {
    () => {
        "
from deliveries
join events on events.id = deliveries.event_id
where (?1 is null or deliveries.id = ?1)
  and (?2 is null or sink = ?2)
  and (?3 is null or state = ?3)
  and (?4 is null or deliveries.event_id = ?4)
  and (?5 is null or event_type = ?5)
  and (?6 is null or received_at >= ?6)
  and (?7 is null or received_at < ?7)
  and deliveries.id < coalesce(?8, 9223372036854775807)"
    };
}

const LIST: &str = concat!(
    "
select deliveries.id, event_id, source, event_type, sink, state, attempts, created_at, next_attempt_at,
       delivered_at, last_error",
    selected!(),
    "
order by deliveries.id desc
limit ?9"
);

const COUNT: &str = concat!("\nselect count(*)", selected!());

/// Of the dead there is an index.
macro_rules! dead {
    () => {
        " and state = 'dead'"
    };
}

/// What is being delivered at this moment is left alone.
macro_rules! retriable {
    ($more:expr) => {
        concat!(
            "\nselect deliveries.id",
            selected!(),
            $more,
            " and leased_by is null\norder by deliveries.id desc\nlimit ?9"
        )
    };
}

const RETRIABLE: &str = retriable!("");
const RETRIABLE_DEAD: &str = retriable!(dead!());

const RETRY: &str = "
update deliveries
set state = 'pending', backlog = 1, delivered_at = null,
    created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), next_attempt_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
where id in (select value from json_each(?1)) and leased_by is null
returning id";

const CANCELLABLE: &str = concat!(
    "\nselect deliveries.id",
    selected!(),
    " and state = 'pending'\norder by deliveries.id desc\nlimit ?9"
);

const CANCEL: &str = "
update deliveries
set state = 'cancelled', last_error = ?2, leased_by = null
where id in (select value from json_each(?1)) and state = 'pending'
returning id";

/// The time to give up is counted from when the replay is due.
const REPLAY: &str = "
insert into deliveries (event_id, sink, order_key, backlog, created_at, next_attempt_at)
values (?2, ?1, ?3, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?4 / 1000.0) || ' seconds'),
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?4 / 1000.0) || ' seconds'))
on conflict (event_id, sink) do update
set state = 'pending', order_key = excluded.order_key, backlog = 1, created_at = excluded.created_at,
    next_attempt_at = excluded.next_attempt_at, delivered_at = null, last_error = null
where deliveries.state <> 'pending'";

/// Each lane by its own index, as most deliveries are long since delivered.
const PENDING: &str = "
select sink, sum(count) as count, min(oldest) as oldest
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
    pool: &SqlitePool,
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

pub(super) async fn count(pool: &SqlitePool, filter: &DeliveryFilter) -> Result<u64, StoreError> {
    let (count,): (i64,) = filtered(COUNT, filter)
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
    Ok(count.unsigned_abs())
}

pub(super) async fn retry(
    store: &SqliteStore,
    filter: &DeliveryFilter,
    limit: u32,
) -> Result<Vec<i64>, StoreError> {
    let sql = match filter.state {
        Some(DeliveryState::Dead) => RETRIABLE_DEAD,
        _ => RETRIABLE,
    };
    let ids = select(store, sql, filter, limit).await?;
    change(&store.writer, &ids, |part| {
        sqlx::query_scalar(RETRY).bind(part)
    })
    .await
}

pub(super) async fn cancel(
    store: &SqliteStore,
    filter: &DeliveryFilter,
    limit: u32,
    reason: &str,
) -> Result<Vec<i64>, StoreError> {
    let ids = select(store, CANCELLABLE, filter, limit).await?;
    let cancel = |part| {
        sqlx::query_scalar(CANCEL)
            .bind(part)
            .bind(reason.to_owned())
    };
    change(&store.writer, &ids, cancel).await
}

/// What is meant is found on a reader, however long that takes: events do not wait for it.
async fn select(
    store: &SqliteStore,
    sql: &'static str,
    filter: &DeliveryFilter,
    limit: u32,
) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<(i64,)> = filtered(sql, filter)
        .bind(i64::from(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(store_error)?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

async fn change(
    writer: &Writer,
    ids: &[i64],
    statement: impl Fn(String) -> QueryScalar<'static, Sqlite, i64, SqliteArguments>,
) -> Result<Vec<i64>, StoreError> {
    let mut changed = Vec::with_capacity(ids.len());
    for part in ids.chunks(BACKGROUND_ROWS) {
        let mut turn = writer.begin_in_background().await.map_err(store_error)?;
        let done: Vec<i64> = statement(serde_json::json!(part).to_string())
            .fetch_all(&mut turn.connection)
            .await
            .map_err(store_error)?;
        turn.commit().await.map_err(store_error)?;
        changed.extend(done);
    }
    Ok(changed)
}

pub(super) async fn replay(
    writer: &Writer,
    sink: &Name,
    replays: &[Replay],
) -> Result<u64, StoreError> {
    let mut replayed = 0;
    for part in replays.chunks(BACKGROUND_ROWS) {
        let mut turn = writer.begin_in_background().await.map_err(store_error)?;
        for replay in part {
            let done = sqlx::query(REPLAY)
                .bind(&**sink)
                .bind(replay.event.0)
                .bind(&replay.order_key)
                .bind(millis(replay.delay))
                .execute(&mut turn.connection)
                .await
                .map_err(store_error)?;
            replayed += done.rows_affected();
        }
        turn.commit().await.map_err(store_error)?;
    }
    Ok(replayed)
}

pub(super) async fn pending(pool: &SqlitePool) -> Result<Vec<Pending>, StoreError> {
    let rows: Vec<PendingRow> = sqlx::query_as(PENDING)
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(rows.into_iter().map(Pending::from).collect())
}

fn filtered<'q, R>(
    sql: &'static str,
    filter: &'q DeliveryFilter,
) -> QueryAs<'q, Sqlite, R, SqliteArguments>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>,
{
    sqlx::query_as(sql)
        .bind(filter.id)
        .bind(&filter.sink)
        .bind(filter.state.map(DeliveryState::as_str))
        .bind(filter.event.map(|event| event.0))
        .bind(&filter.event_type)
        .bind(filter.since.as_ref().map(iso_millis))
        .bind(filter.until.as_ref().map(iso_millis))
        .bind(filter.before)
}
