//! Fills the typed tables again: which rebuild runs, how far it is, and the way to the exchange.
//!
//! Each typed table is partitioned and has one partition, which holds all rows. The rebuild fills a table of the
//! same shape and makes it the partition, so that whatever refers to the typed table stays.

mod aside;
mod compare;
mod copy;
mod exchange;
mod hot;

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions,
};

use self::{aside::aside, hot::Hot};
use super::{error::store_error, tables::LOCK};
use crate::{
    domain::{EventId, EventRecord, Rows, Timestamp},
    store::{
        Difference, Exchange, Portion, Rebuild, RebuildPlan, RebuildProgress, StoreError,
        rows::WholeEventRow,
    },
};

/// Held by the connection while it lasts ("rebuild" in ASCII): one rebuild at a time.
const CLAIM: &str = "select pg_try_advisory_lock(32199695064263780)";

/// What a power cut takes away is filled again: commits need not wait for the disk.
const SETTINGS: &str =
    "set synchronous_commit = off; set statement_timeout = 0; set lock_timeout = 0";

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

const TAKE_APPLIED: &str = "
delete from tables_rebuild_events
where event_id in (select event_id from tables_rebuild_events order by event_id limit $1)
returning event_id";

const APPLIED: &str = "
select id, source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version, problem,
       signature, body
from events
where id = any($1)";

/// So many events fit into memory even when each is as large as one can be.
const PORTION: i64 = 128;

/// A rebuild on a connection of its own.
pub(super) struct PostgresRebuild {
    connection: PgConnection,
    plan: RebuildPlan,
    id: i64,
    progress: RebuildProgress,
    hot: Hot,
    /// What gives the new indexes the names of the old ones.
    renames: Vec<String>,
}

type Begun = (i64, Timestamp, i64, i64);

impl PostgresRebuild {
    pub(super) async fn begin(
        options: &PgConnectOptions,
        plan: RebuildPlan,
    ) -> Result<Self, StoreError> {
        let mut connection = options.connect().await.map_err(store_error)?;
        let claimed = async {
            connection.execute(SETTINGS).await?;
            sqlx::query_scalar(CLAIM).fetch_one(&mut connection).await
        };
        if !claimed.await.map_err(store_error)? {
            return Err(StoreError::Rebuilding);
        }
        let begun = begin(&mut connection, &plan).await.map_err(store_error)?;
        let staged = hot::stage(&mut connection, &plan.tables).await;
        staged.map_err(store_error)?;
        let ((id, started_at, last, events), resumed) = begun;
        Ok(Self {
            connection,
            plan,
            id,
            progress: RebuildProgress {
                started_at,
                last: EventId(last),
                events: events.unsigned_abs(),
                resumed,
            },
            hot: Hot::default(),
            renames: Vec::new(),
        })
    }

    /// Rows of tables that do not merge are written at once, the others when many have gathered.
    async fn add(&mut self, rows: Rows) -> sqlx::Result<()> {
        let mut transaction = self.connection.begin().await?;
        for (table, rows) in rows.into_tables() {
            if table.merges {
                self.hot.add(table, rows);
            } else {
                aside::copy_or_join(&mut transaction, table, &rows).await?;
            }
        }
        transaction.commit().await?;
        if self.hot.is_full() {
            self.write().await?;
        }
        Ok(())
    }

    /// Writes what has gathered, and notes how far it is.
    async fn write(&mut self) -> sqlx::Result<()> {
        let mut transaction = self.connection.begin().await?;
        self.hot.write(&mut transaction).await?;
        sqlx::query(NOTE)
            .bind(self.id)
            .bind(self.progress.last.0)
            .bind(i64::try_from(self.progress.events).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    /// Before the tables aside are written in other ways.
    async fn write_all(&mut self) -> sqlx::Result<()> {
        self.write().await?;
        self.hot.forget();
        Ok(())
    }
}

#[async_trait]
impl Rebuild for PostgresRebuild {
    fn progress(&self) -> RebuildProgress {
        self.progress
    }

    async fn fill(&mut self, rows: Rows, last: EventId, events: u64) -> Result<(), StoreError> {
        self.progress.last = last;
        self.progress.events += events;
        self.add(rows).await.map_err(store_error)
    }

    async fn prepare(&mut self) -> Result<(), StoreError> {
        self.write_all().await.map_err(store_error)?;
        let prepared = aside::prepare(&mut self.connection, &self.plan.tables).await;
        self.renames = prepared.map_err(store_error)?;
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<Portion, StoreError> {
        let caught_up = async {
            self.write_all().await?;
            let mut transaction = self.connection.begin().await?;
            let events = take_applied(&mut transaction, &self.plan).await?;
            transaction.commit().await?;
            Ok(Portion::of(events, PORTION))
        };
        caught_up.await.map_err(store_error)
    }

    async fn exchange(&mut self) -> Result<Exchange, StoreError> {
        let exchanged =
            exchange::exchange(&mut self.connection, &self.plan, self.id, &self.renames);
        exchanged.await.map_err(store_error)
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let finished = async {
            let mut transaction = self.connection.begin().await?;
            (&mut *transaction).execute(LOCK).await?;
            forget(&mut transaction, &self.plan).await?;
            transaction.commit().await?;
            for table in &self.plan.tables {
                // The statistics of all partitions together.
                let sql = format!("analyze {}", table.name);
                self.connection.execute(AssertSqlSafe(sql)).await?;
            }
            self.connection.close().await
        };
        finished.await.map_err(store_error)
    }

    async fn compare(&mut self) -> Result<Vec<Difference>, StoreError> {
        self.write_all().await.map_err(store_error)?;
        let compared = compare::compare(&mut self.connection, &self.plan);
        compared.await.map_err(store_error)
    }
}

/// Nothing is applied while it begins: what is applied later is noted, what was applied before is in `events`.
async fn begin(connection: &mut PgConnection, plan: &RebuildPlan) -> sqlx::Result<(Begun, bool)> {
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
    let begun = if let Some(begun) = interrupted {
        begun
    } else {
        forget(&mut transaction, plan).await?;
        aside::create(&mut transaction, &plan.tables).await?;
        let anew = sqlx::query_as(BEGIN).bind(plan.version);
        anew.fetch_one(&mut *transaction).await?
    };
    transaction.commit().await?;
    Ok((begun, resumed))
}

/// Removes what is left of one that was not finished.
async fn forget(connection: &mut PgConnection, plan: &RebuildPlan) -> sqlx::Result<()> {
    for table in &plan.tables {
        let sql = format!("drop table if exists {}", aside(table));
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    connection.execute(FORGET).await.map(drop)
}

/// Takes over a portion of what was applied to the typed tables, and tells how many events it was.
async fn take_applied(connection: &mut PgConnection, plan: &RebuildPlan) -> sqlx::Result<usize> {
    let ids: Vec<i64> = sqlx::query_scalar(TAKE_APPLIED)
        .bind(PORTION)
        .fetch_all(&mut *connection)
        .await?;
    let events: Vec<WholeEventRow> = sqlx::query_as(APPLIED)
        .bind(&ids)
        .fetch_all(&mut *connection)
        .await?;
    let mut rows = Rows::default();
    for event in events {
        rows.join((plan.project)(&EventRecord::from(event)));
    }
    aside::join_all(connection, &rows).await?;
    Ok(ids.len())
}
