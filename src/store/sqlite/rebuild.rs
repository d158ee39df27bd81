//! Fills the typed tables again: which rebuild runs, how far it is, and the way to the exchange.
//!
//! It runs beside `serve`, whose 200s wait for each transaction of ours: each is short, and after each we wait.

mod aside;
mod compare;
mod exchange;

use std::{fs::File, time::Duration};

use async_trait::async_trait;
use sqlx::{Connection, Executor, SqliteConnection, SqlitePool};
use tokio::time::{Instant, sleep};

use self::aside::{aside, replaced};
use super::{SqliteStore, error::store_error, file, tables::join};
use crate::{
    domain::{EventId, EventRecord, Rows, Timestamp},
    store::{
        Difference, Exchange, Portion, Rebuild, RebuildPlan, RebuildProgress, StoreError,
        rows::WholeEventRow,
    },
};

/// What a power cut takes away is filled again: commits need not wait for the disk. A table takes another's place
/// without a look at the views that name it. Under full load it is rarely our turn.
const SETTINGS: &str =
    "pragma synchronous = normal; pragma legacy_alter_table = on; pragma busy_timeout = 60000";

/// One that is interrupted for longer may have missed what was applied meanwhile.
const RESUME: &str = "
update tables_rebuilds
set renewed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
where id = (
    select id from tables_rebuilds
    where finished_at is null and version = ?1
      and renewed_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-12 hours')
    order by id desc
    limit 1
)
returning id, started_at, last_event_id, events";

const FORGET: &str = "
delete from tables_rebuild_events;
delete from tables_rebuilds where finished_at is null";

const BEGIN: &str = "
insert into tables_rebuilds (version, started_at, renewed_at)
values (?1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
returning id, started_at, last_event_id, events";

const NOTE: &str = "
update tables_rebuilds
set renewed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), last_event_id = ?2, events = events + ?3
where id = ?1";

const TAKE_APPLIED: &str = "
delete from tables_rebuild_events
where event_id in (select event_id from tables_rebuild_events order by event_id limit ?1)
returning event_id";

const APPLIED: &str = "
select id, source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version, problem,
       signature, body
from events
where id in (select value from json_each(?1))";

/// Rows that are written before it is somebody else's turn, some milliseconds' work.
const PORTION: usize = 128;
/// Events that are taken over before it is somebody else's turn.
const EVENTS: i64 = 64;

/// A rebuild on a connection of its own.
pub(super) struct SqliteRebuild {
    connection: SqliteConnection,
    readers: SqlitePool,
    plan: RebuildPlan,
    id: i64,
    progress: RebuildProgress,
    _lock: File,
}

type Begun = (i64, Timestamp, i64, i64);

impl SqliteRebuild {
    pub(super) async fn begin(store: &SqliteStore, plan: RebuildPlan) -> Result<Self, StoreError> {
        let lock = file::lock_for_rebuilding(store.identity.path())?;
        let mut connection = store.writer.connect().await.map_err(store_error)?;
        let begun = begin(&mut connection, &plan).await.map_err(store_error)?;
        let ((id, started_at, last, events), resumed) = begun;
        Ok(Self {
            connection,
            readers: store.readers.clone(),
            plan,
            id,
            progress: RebuildProgress {
                started_at,
                last: EventId(last),
                events: events.unsigned_abs(),
                resumed,
            },
            _lock: lock,
        })
    }

    /// Rows that are written twice stay as they are: only when all are is it noted how far it is.
    async fn write(&mut self, rows: Rows, last: EventId, events: u64) -> sqlx::Result<()> {
        for (table, rows) in rows.into_tables() {
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                let portion = rows.by_ref().take(PORTION).collect();
                let started = Instant::now();
                let mut transaction = self.connection.begin_with("begin immediate").await?;
                join(&mut transaction, table, &aside(table), &portion).await?;
                transaction.commit().await?;
                give_way(started).await;
            }
        }
        sqlx::query(NOTE)
            .bind(self.id)
            .bind(last.0)
            .bind(i64::try_from(events).unwrap_or(i64::MAX))
            .execute(&mut self.connection)
            .await
            .map(drop)
    }

    async fn take_portion(&mut self) -> sqlx::Result<usize> {
        let started = Instant::now();
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        let events = take_applied(&mut transaction, &self.plan).await?;
        transaction.commit().await?;
        give_way(started).await;
        Ok(events)
    }
}

#[async_trait]
impl Rebuild for SqliteRebuild {
    fn progress(&self) -> RebuildProgress {
        self.progress
    }

    async fn fill(&mut self, rows: Rows, last: EventId, events: u64) -> Result<(), StoreError> {
        self.write(rows, last, events).await.map_err(store_error)?;
        self.progress.last = last;
        self.progress.events += events;
        Ok(())
    }

    /// The indexes are there from the start: to make them at once would take long.
    async fn prepare(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<Portion, StoreError> {
        let events = self.take_portion().await.map_err(store_error)?;
        Ok(Portion::of(events, EVENTS))
    }

    async fn exchange(&mut self) -> Result<Exchange, StoreError> {
        let exchanged = exchange::exchange(&mut self.connection, &self.plan, self.id).await;
        exchanged.map_err(store_error)?;
        Ok(Exchange::Done)
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let finished = async {
            forget(&mut self.connection, &self.plan).await?;
            self.connection.close().await
        };
        finished.await.map_err(store_error)
    }

    async fn compare(&mut self) -> Result<Vec<Difference>, StoreError> {
        let compared = compare::compare(&mut self.connection, &self.readers, &self.plan).await;
        compared.map_err(store_error)
    }
}

/// Nothing is applied while it begins: what is applied later is noted, what was applied before is in `events`.
async fn begin(
    connection: &mut SqliteConnection,
    plan: &RebuildPlan,
) -> sqlx::Result<(Begun, bool)> {
    connection.execute(SETTINGS).await?;
    if aside::are_there(connection, &plan.tables).await? && !plan.restart {
        let resume = sqlx::query_as(RESUME).bind(plan.version);
        if let Some(begun) = resume.fetch_optional(&mut *connection).await? {
            return Ok((begun, true));
        }
    }
    forget(connection, plan).await?;
    let mut transaction = connection.begin_with("begin immediate").await?;
    aside::create(&mut transaction, &plan.tables).await?;
    let anew = sqlx::query_as(BEGIN).bind(plan.version);
    let begun = anew.fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok((begun, false))
}

/// Removes what is left of one that was not finished, and the tables that were replaced.
async fn forget(connection: &mut SqliteConnection, plan: &RebuildPlan) -> sqlx::Result<()> {
    connection.execute(FORGET).await?;
    for table in &plan.tables {
        for name in [aside(table), replaced(table)] {
            aside::remove(connection, table, &name).await?;
        }
    }
    Ok(())
}

/// Takes over a portion of what was applied to the typed tables, and tells how many events it was.
async fn take_applied(
    connection: &mut SqliteConnection,
    plan: &RebuildPlan,
) -> sqlx::Result<usize> {
    let ids: Vec<i64> = sqlx::query_scalar(TAKE_APPLIED)
        .bind(EVENTS)
        .fetch_all(&mut *connection)
        .await?;
    let events: Vec<WholeEventRow> = sqlx::query_as(APPLIED)
        .bind(serde_json::json!(ids).to_string())
        .fetch_all(&mut *connection)
        .await?;
    let mut rows = Rows::default();
    let events = events.into_iter().map(EventRecord::from);
    rows.extend(events.filter_map(|event| (plan.project)(&event)).flatten());
    for (table, rows) in rows.tables() {
        join(connection, table, &aside(table), rows).await?;
    }
    Ok(ids.len())
}

/// Who waits for the database looks again every few milliseconds: it is free as long as it was taken.
async fn give_way(started: Instant) {
    sleep(started.elapsed().max(Duration::from_millis(1))).await;
}
