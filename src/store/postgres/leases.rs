//! Claims deliveries by lease, renews leases, and gives them back.

use std::time::Duration;

use sqlx::PgPool;

use super::patience::{connection, end, patiently};
use crate::{
    domain::EventId,
    store::{
        Claim, Claimed, Held, StoreError,
        rows::{ClaimedRow, millis},
    },
};

/// How much a body weighs is known without reading it.
macro_rules! claim {
    ($due:expr) => {
        concat!(
            "
with recursive",
            $due,
            ", weighed as (
    select due.id, sum(octet_length(body)) over (order by due.id) - octet_length(body) as bytes_before
    from due
    join events on events.id = due.event_id
), claimed as (
    update deliveries
    set leased_by = $4, next_attempt_at = now() + $5 * interval '1 millisecond'
    from weighed
    where deliveries.id = weighed.id and bytes_before < $3
    returning event_id, attempts
)
select attempts, events.id, source, provider, delivery_id, event_type, occurred_at, received_at, origin,
       envelope_version, problem, signature, body
from claimed
join events on events.id = claimed.event_id
order by events.id"
        )
    };
}

/// Locked rows are somebody else's. The two lanes are spelt out, as each has a partial index of its own.
macro_rules! due {
    ($lane:literal) => {
        concat!(
            "
due as (
    select id, event_id
    from deliveries
    where sink = $1 and state = 'pending' and ",
            $lane,
            " and next_attempt_at <= now()
    order by next_attempt_at
    limit $2
    for update skip locked
)"
        )
    };
}

/// Nothing earlier about the same thing may be pending, whoever is delivering it: only the first about each
/// thing is looked at. The index leads from one to the next, past all that wait behind them. What is replayed
/// later, at a rate, holds nothing back before its time.
macro_rules! due_in_order {
    ($lane:literal) => {
        concat!(
            "
firsts as (
    (
        select order_key, id
        from deliveries
        where sink = $1 and state = 'pending' and order_key is not null and created_at <= now()
        order by order_key, id
        limit 1
    )
    union all
    select next.order_key, next.id
    from firsts
    cross join lateral (
        select order_key, id
        from deliveries
        where sink = $1 and state = 'pending' and order_key > firsts.order_key and created_at <= now()
        order by order_key, id
        limit 1
    ) as next
), others as (
    select id
    from deliveries
    where sink = $1 and state = 'pending' and ",
            $lane,
            " and next_attempt_at <= now() and order_key is null
    order by next_attempt_at
    limit $2
), due as (
    select id, event_id
    from deliveries
    where id = any(array(select id from firsts union all select id from others))
      and sink = $1 and state = 'pending' and ",
            $lane,
            " and next_attempt_at <= now()
    order by next_attempt_at
    limit $2
    for update skip locked
)"
        )
    };
}

const CLAIM_FRESH: &str = claim!(due!("not backlog"));
const CLAIM_BACKLOG: &str = claim!(due!("backlog"));
const CLAIM_FRESH_IN_ORDER: &str = claim!(due_in_order!("not backlog"));
const CLAIM_BACKLOG_IN_ORDER: &str = claim!(due_in_order!("backlog"));

/// Locked from the newest, as by every statement that locks several.
macro_rules! held {
    () => {
        "
with held as (
    select id
    from deliveries
    where sink = $1 and event_id = any($2) and leased_by = $3 and state = 'pending'
    order by id desc
    for update
)"
    };
}

const HELD: &str = "
select event_id
from deliveries
where sink = $1 and event_id = any($2) and leased_by = $3 and state = 'pending'";

const RENEW: &str = concat!(
    held!(),
    "
update deliveries
set next_attempt_at = now() + $4 * interval '1 millisecond'
from held
where deliveries.id = held.id
returning event_id"
);

const RELEASE: &str = concat!(
    held!(),
    "
update deliveries
set next_attempt_at = now(), leased_by = null
from held
where deliveries.id = held.id"
);

pub(super) async fn claim(pool: &PgPool, claim: &Claim<'_>) -> Result<Vec<Claimed>, StoreError> {
    let sql = match (claim.backlog, claim.in_order) {
        (false, false) => CLAIM_FRESH,
        (true, false) => CLAIM_BACKLOG,
        (false, true) => CLAIM_FRESH_IN_ORDER,
        (true, true) => CLAIM_BACKLOG_IN_ORDER,
    };
    let mut connection = connection(pool).await?;
    let rows = sqlx::query_as(sql)
        .bind(&**claim.sink)
        .bind(i64::from(claim.limit))
        .bind(i64::try_from(claim.max_bytes).unwrap_or(i64::MAX))
        .bind(claim.holder)
        .bind(millis(claim.term))
        .fetch_all(&mut *connection);
    let rows = patiently(rows).await;
    let rows: Vec<ClaimedRow> = end(connection, rows)?;
    Ok(rows.into_iter().map(Claimed::from).collect())
}

pub(super) async fn renew(
    pool: &PgPool,
    held: &Held<'_>,
    term: Duration,
) -> Result<Vec<EventId>, StoreError> {
    let mut connection = connection(pool).await?;
    let renewed = sqlx::query_scalar(RENEW)
        .bind(&**held.sink)
        .bind(ids(held.events))
        .bind(held.holder)
        .bind(millis(term))
        .fetch_all(&mut *connection);
    let renewed = patiently(renewed).await;
    let ids: Vec<i64> = end(connection, renewed)?;
    Ok(ids.into_iter().map(EventId).collect())
}

pub(super) async fn held(pool: &PgPool, held: &Held<'_>) -> Result<Vec<EventId>, StoreError> {
    let mut connection = connection(pool).await?;
    let known = sqlx::query_scalar(HELD)
        .bind(&**held.sink)
        .bind(ids(held.events))
        .bind(held.holder)
        .fetch_all(&mut *connection);
    let known = patiently(known).await;
    let ids: Vec<i64> = end(connection, known)?;
    Ok(ids.into_iter().map(EventId).collect())
}

pub(super) async fn release(pool: &PgPool, held: &Held<'_>) -> Result<(), StoreError> {
    let mut connection = connection(pool).await?;
    let released = sqlx::query(RELEASE)
        .bind(&**held.sink)
        .bind(ids(held.events))
        .bind(held.holder)
        .execute(&mut *connection);
    let released = patiently(released).await;
    end(connection, released).map(drop)
}

fn ids(events: &[EventId]) -> Vec<i64> {
    events.iter().map(|event| event.0).collect()
}
