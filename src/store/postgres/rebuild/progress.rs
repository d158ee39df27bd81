//! Which rebuild runs and how far it is, so that one that was interrupted goes on.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{aside, lane::Reached};
use crate::{
    domain::{EventId, Timestamp},
    store::{RebuildPlan, RebuildProgress, postgres::tables::LOCK},
};

/// One that is interrupted for longer may have missed what was applied meanwhile.
const RESUME: &str = "
update tables_rebuilds
set renewed_at = now()
where id = (
    select id from tables_rebuilds
    where finished_at is null and version = $1 and renewed_at > now() - interval '12 hours'
    order by id desc
    limit 1
)
returning id, started_at, last_event_id, events";

const FORGET: &str = "
delete from tables_rebuild_events;
delete from tables_rebuilds where finished_at is null";

const BEGIN: &str = "
insert into tables_rebuilds (version, started_at, renewed_at)
values ($1, now(), now())
returning id, started_at, last_event_id, events";

const NOTE: &str = "
update tables_rebuilds
set renewed_at = now(), last_event_id = $2, events = $3
where id = $1";

type Begun = (i64, Timestamp, i64, i64);

/// Nothing is applied while it begins: what is applied later is noted, what was applied before is in `events`.
pub(super) async fn begin(
    connection: &mut PgConnection,
    plan: &RebuildPlan,
) -> sqlx::Result<(i64, RebuildProgress)> {
    let mut transaction = connection.begin().await?;
    (&mut *transaction).execute(LOCK).await?;
    let is_complete = aside::are_there(&mut transaction, &plan.tables).await?;
    let interrupted: Option<Begun> = if is_complete && !plan.restart {
        let resume = sqlx::query_as(RESUME).bind(plan.version);
        resume.fetch_optional(&mut *transaction).await?
    } else {
        None
    };
    let resumed = interrupted.is_some();
    let (id, started_at, last, events) = if let Some(begun) = interrupted {
        begun
    } else {
        forget(&mut transaction, plan).await?;
        aside::create(&mut transaction, &plan.tables).await?;
        let anew = sqlx::query_as(BEGIN).bind(plan.version);
        anew.fetch_one(&mut *transaction).await?
    };
    transaction.commit().await?;
    let progress = RebuildProgress {
        started_at,
        last: EventId(last),
        events: events.unsigned_abs(),
        resumed,
    };
    Ok((id, progress))
}

/// Notes up to where everything is written.
pub(super) async fn note(
    connection: &mut PgConnection,
    id: i64,
    reached: Reached,
) -> sqlx::Result<()> {
    sqlx::query(NOTE)
        .bind(id)
        .bind(reached.last.0)
        .bind(i64::try_from(reached.events).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .map(drop)
}

/// Removes what is left of one that was not finished.
pub(super) async fn forget(connection: &mut PgConnection, plan: &RebuildPlan) -> sqlx::Result<()> {
    for table in &plan.tables {
        let sql = format!("drop table if exists {}", aside::aside(table));
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    connection.execute(FORGET).await.map(drop)
}
