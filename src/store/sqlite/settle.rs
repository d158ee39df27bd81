//! Records what became of deliveries, and every attempt, a few at a time.

use sqlx::SqliteConnection;

use super::{
    error::store_error,
    writer::{BACKGROUND_ROWS, Writer},
};
use crate::{
    domain::Settlement,
    store::{StoreError, rows::SettlementRow},
};

/// Rows as one argument, in JSON: a statement each would go to SQLite's thread and back each.
macro_rules! done {
    () => {
        "
with done as materialized (
    select value ->> 'event_id' as event_id, value ->> 'sink' as sink, value ->> 'outcome' as outcome,
           value ->> 'error' as error, value ->> 'delay_ms' as delay_ms, value ->> 'give_up_ms' as give_up_ms,
           value ->> 'started_at' as started_at, value ->> 'duration_ms' as duration_ms,
           value ->> 'status_code' as status_code, value ->> 'response' as response
    from json_each(?1)
)"
    };
}

/// The last attempt is made when it is time to give up, not long before.
const SETTLE: &str = concat!(
    done!(),
    "
update deliveries
set state = case
        when outcome = 'delivered' then 'delivered'
        when outcome = 'cancelled' then 'cancelled'
        when outcome = 'failed' and strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            < strftime('%Y-%m-%dT%H:%M:%fZ', created_at, (give_up_ms / 1000.0) || ' seconds') then 'pending'
        else 'dead'
    end,
    attempts = attempts + (started_at is not null),
    next_attempt_at = case
        when outcome = 'failed' then
            min(strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (delay_ms / 1000.0) || ' seconds'),
                strftime('%Y-%m-%dT%H:%M:%fZ', created_at, (give_up_ms / 1000.0) || ' seconds'))
        else next_attempt_at
    end,
    delivered_at = case when outcome = 'delivered' then strftime('%Y-%m-%dT%H:%M:%fZ', 'now') end,
    last_error = case
        when outcome = 'failed' and strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            >= strftime('%Y-%m-%dT%H:%M:%fZ', created_at, (give_up_ms / 1000.0) || ' seconds')
            then 'given up: ' || error
        else error
    end,
    leased_by = null,
    backlog = backlog or outcome = 'failed'
from done
where deliveries.event_id = done.event_id and deliveries.sink = done.sink
  and ((outcome = 'delivered' and state in ('pending', 'dead')) or (state = 'pending' and leased_by = ?2))
  and not exists (
      select 1 from delivery_attempts
      where delivery_id = deliveries.id and delivery_attempts.started_at = done.started_at
  )
returning id"
);

/// An attempt that no longer counts was made all the same. One that is on record already, as the answer to its
/// commit was lost, is known by when it began. `?2` are the ids of those that were settled.
const COUNT_LATE: &str = concat!(
    done!(),
    "
update deliveries
set attempts = attempts + 1
from done
where deliveries.event_id = done.event_id and deliveries.sink = done.sink
  and done.started_at is not null and id not in (select value from json_each(?2))
  and not exists (
      select 1 from delivery_attempts
      where delivery_id = deliveries.id and delivery_attempts.started_at = done.started_at
  )
returning id"
);

/// `?2` are the ids of those whose attempts count.
const RECORD_ATTEMPTS: &str = concat!(
    done!(),
    "
insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms, outcome, status_code, error, response)
select id, attempts, started_at, duration_ms, outcome, status_code, error, response
from done
join deliveries on deliveries.event_id = done.event_id and deliveries.sink = done.sink
where started_at is not null and id in (select value from json_each(?2))"
);

/// A batch that is cut short leaves its first part recorded, and recording it again changes nothing: what was
/// settled is no longer pending, or no longer leased.
pub(super) async fn settle(
    writer: &Writer,
    holder: &str,
    settlements: &[Settlement],
) -> Result<(), StoreError> {
    for part in settlements.chunks(BACKGROUND_ROWS) {
        let rows: Vec<SettlementRow<'_>> = part.iter().map(SettlementRow::from).collect();
        let mut turn = writer.begin_in_background().await.map_err(store_error)?;
        settle_part(&mut turn.connection, holder, &rows)
            .await
            .map_err(store_error)?;
        turn.commit().await.map_err(store_error)?;
    }
    Ok(())
}

pub(super) async fn settle_part(
    connection: &mut SqliteConnection,
    holder: &str,
    rows: &[SettlementRow<'_>],
) -> sqlx::Result<()> {
    let done = serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let mut ids: Vec<i64> = sqlx::query_scalar(SETTLE)
        .bind(&done)
        .bind(holder)
        .fetch_all(&mut *connection)
        .await?;
    if ids.len() < rows.len() {
        let late: Vec<i64> = sqlx::query_scalar(COUNT_LATE)
            .bind(&done)
            .bind(serde_json::json!(ids).to_string())
            .fetch_all(&mut *connection)
            .await?;
        ids.extend(late);
    }
    sqlx::query(RECORD_ATTEMPTS)
        .bind(&done)
        .bind(serde_json::json!(ids).to_string())
        .execute(connection)
        .await
        .map(drop)
}
