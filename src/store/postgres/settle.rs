//! Records what became of deliveries, and every attempt, by one statement.

use sqlx::{Connection, PgConnection, PgPool};

use super::{
    column::column,
    patience::{BEGIN, connection, end, patiently},
};
use crate::{
    domain::Settlement,
    store::{StoreError, rows::SettlementRow},
};

/// Every statement that locks several deliveries locks the newest first, so that no two wait for each other. A
/// statement of its own: the one that settles sees what those who held the locks have committed.
const LOCK: &str = "
select from deliveries
join unnest($1::bigint[], $2::text[]) as done (event_id, sink) using (event_id, sink)
order by deliveries.id desc
for update of deliveries";

/// When to give up is for the database's clock to say, as the delivery was created by it. The last attempt is
/// made at that time, not long before it.
///
/// An attempt that no longer counts, as its lease had run out or the delivery was settled by somebody else, was
/// made all the same and is on record. One that is on record already, as the answer to its commit was lost, is
/// known by when it began.
const SETTLE: &str = "
with done as (
    select *
    from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                $8::timestamptz[], $9::integer[], $10::integer[], $11::text[])
         as done (event_id, sink, outcome, error, delay_ms, give_up_ms, started_at, duration_ms,
                  status_code, response)
), known as (
    select deliveries.id, outcome, error, delay_ms, give_up_ms, started_at, duration_ms, status_code, response,
           (outcome = 'delivered' and state in ('pending', 'dead'))
               or (state = 'pending' and leased_by = $1) as counts
    from done
    join deliveries on deliveries.event_id = done.event_id and deliveries.sink = done.sink
    where not exists (
        select from delivery_attempts
        where delivery_id = deliveries.id and delivery_attempts.started_at = done.started_at
    )
), settled as (
    update deliveries
    set state = case
            when outcome = 'delivered' then 'delivered'
            when outcome = 'cancelled' then 'cancelled'
            when outcome = 'failed' and now() < created_at + give_up_ms * interval '1 millisecond' then 'pending'
            else 'dead'
        end,
        attempts = attempts + (started_at is not null)::integer,
        next_attempt_at = case
            when outcome = 'failed' then
                least(now() + delay_ms * interval '1 millisecond', created_at + give_up_ms * interval '1 millisecond')
            else next_attempt_at
        end,
        delivered_at = case when outcome = 'delivered' then now() end,
        last_error = case
            when outcome = 'failed' and now() >= created_at + give_up_ms * interval '1 millisecond'
                then 'given up: ' || error
            else error
        end,
        leased_by = null,
        backlog = backlog or outcome = 'failed'
    from known
    where deliveries.id = known.id and counts
    returning deliveries.id, attempts, started_at, duration_ms, outcome, status_code, error, response
), late as (
    update deliveries
    set attempts = attempts + 1
    from known
    where deliveries.id = known.id and not counts and started_at is not null
    returning deliveries.id, attempts, started_at, duration_ms, outcome, status_code, error, response
)
insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms, outcome, status_code, error, response)
select * from settled where started_at is not null
union all
select * from late";

pub(super) async fn settle(
    pool: &PgPool,
    holder: &str,
    settlements: &[Settlement],
) -> Result<(), StoreError> {
    let rows: Vec<SettlementRow<'_>> = settlements.iter().map(SettlementRow::from).collect();
    let mut connection = connection(pool).await?;
    let settled = async {
        let mut transaction = connection.begin_with(BEGIN).await?;
        settle_rows(&mut transaction, holder, &rows).await?;
        transaction.commit().await
    };
    let settled = patiently(settled).await;
    end(connection, settled)
}

/// Within a transaction.
pub(super) async fn settle_rows(
    connection: &mut PgConnection,
    holder: &str,
    rows: &[SettlementRow<'_>],
) -> sqlx::Result<()> {
    sqlx::query(LOCK)
        .bind(column(rows, |row| row.event_id))
        .bind(column(rows, |row| row.sink))
        .execute(&mut *connection)
        .await?;
    sqlx::query(SETTLE)
        .bind(holder)
        .bind(column(rows, |row| row.event_id))
        .bind(column(rows, |row| row.sink))
        .bind(column(rows, |row| row.outcome))
        .bind(column(rows, |row| row.error))
        .bind(column(rows, |row| row.delay_ms))
        .bind(column(rows, |row| row.give_up_ms))
        .bind(column(rows, |row| row.started_at))
        .bind(column(rows, |row| row.duration_ms))
        .bind(column(rows, |row| row.status_code))
        .bind(column(rows, |row| row.response))
        .execute(connection)
        .await
        .map(drop)
}
