//! Fills the typed tables again: the way from the first page to the exchange.
//!
//! Each typed table is partitioned and has one partition, which holds all rows. The rebuild fills a table of the
//! same shape and makes it the partition, so that whatever refers to the typed table stays.

mod aside;
mod compare;
mod copy;
mod exchange;
mod hot;
mod journals;
mod lane;
mod progress;

use async_trait::async_trait;
use futures_util::future::try_join;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};

use self::{
    aside::aside,
    hot::Hot,
    journals::Journals,
    lane::{Lane, Reached},
};
use super::{error::store_error, statistics::analyze, tables::LOCK};
use crate::{
    domain::{EventId, EventRecord, Rows, Table},
    store::{
        Difference, Exchange, Portion, Rebuild, RebuildPlan, RebuildProgress, StoreError,
        rows::WholeEventRow,
    },
};

/// Held by the connection while it lasts ("rebuild" in ASCII): one rebuild at a time.
const CLAIM: &str = "select pg_try_advisory_lock(32199695064263780)";

/// What a power cut takes away is filled again: commits need not wait for the disk. What is committed while we wait for
/// a lock is to be seen. Plans that were made for tables that were empty then would read them whole every time.
const SETTINGS: &str = "
set synchronous_commit = off; set statement_timeout = 0; set lock_timeout = 0;
set default_transaction_isolation = 'read committed'; set plan_cache_mode = force_custom_plan";

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

/// Pages that wait in front of each lane, so that none waits for the other.
const WAITING: usize = 2;

/// A rebuild on connections of its own.
pub(super) struct PostgresRebuild {
    options: PgConnectOptions,
    connection: PgConnection,
    plan: RebuildPlan,
    id: i64,
    progress: RebuildProgress,
    lanes: Option<[Lane; 2]>,
    noted: Option<Reached>,
    /// What makes the new partitions be called and treated as the old ones.
    likeness: Vec<String>,
}

impl PostgresRebuild {
    pub(super) async fn begin(
        options: &PgConnectOptions,
        plan: RebuildPlan,
    ) -> Result<Self, StoreError> {
        let mut connection = connect(options).await.map_err(store_error)?;
        let claimed = sqlx::query_scalar(CLAIM).fetch_one(&mut connection).await;
        if !claimed.map_err(store_error)? {
            return Err(StoreError::Rebuilding);
        }
        let begun = progress::begin(&mut connection, &plan).await;
        let (id, progress) = begun.map_err(store_error)?;
        Ok(Self {
            options: options.clone(),
            connection,
            plan,
            id,
            progress,
            lanes: None,
            noted: None,
            likeness: Vec::new(),
        })
    }

    /// Rows of tables that do not merge are written beside the others.
    async fn add(&mut self, rows: Rows) -> sqlx::Result<()> {
        let reached = self.reached();
        let (merging, others) = rows.into_tables().partition(|(table, _)| table.merges);
        let [hot, journals] = self.lanes().await?;
        hot.put(merging, reached).await?;
        journals.put(others, reached).await?;
        let written = hot.written().min(journals.written());
        // After an interruption, what one is ahead of the other is done again.
        match written {
            Some(written) if self.noted != Some(written) => {
                self.noted = Some(written);
                progress::note(&mut self.connection, self.id, written).await
            }
            _ => Ok(()),
        }
    }

    async fn lanes(&mut self) -> sqlx::Result<&mut [Lane; 2]> {
        match &mut self.lanes {
            Some(lanes) => Ok(lanes),
            lanes => {
                let mut connection = connect(&self.options).await?;
                let hot = Hot::stage(&mut connection, &self.plan.tables).await?;
                let hot = Lane::start(connection, hot, WAITING);
                let connection = connect(&self.options).await?;
                let journals = Lane::start(connection, Journals, WAITING);
                Ok(lanes.insert([hot, journals]))
            }
        }
    }

    /// Before the tables aside are written in other ways.
    async fn write_all(&mut self) -> sqlx::Result<()> {
        let Some([hot, journals]) = self.lanes.take() else {
            return Ok(());
        };
        try_join(hot.finish(), journals.finish()).await?;
        let reached = self.reached();
        progress::note(&mut self.connection, self.id, reached).await
    }

    /// Does something for the tables that do not merge, which are as large as all others, beside these.
    async fn beside<T>(
        &mut self,
        work: impl AsyncFn(&mut PgConnection, &[&Table]) -> sqlx::Result<T>,
    ) -> sqlx::Result<[T; 2]> {
        let mut other = connect(&self.options).await?;
        let tables = self.plan.tables.iter().copied();
        let (merging, others): (Vec<&Table>, Vec<&Table>) = tables.partition(|table| table.merges);
        let (merging, others) = try_join(
            work(&mut self.connection, &merging),
            work(&mut other, &others),
        )
        .await?;
        other.close().await?;
        Ok([merging, others])
    }

    fn reached(&self) -> Reached {
        Reached {
            last: self.progress.last,
            events: self.progress.events,
        }
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
        let prepared = self.beside(aside::prepare).await.map_err(store_error)?;
        self.likeness = prepared.concat();
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
            exchange::exchange(&mut self.connection, &self.plan, self.id, &self.likeness);
        exchanged
            .await
            .map_err(|error| exchange::in_the_way(&error).unwrap_or_else(|| store_error(error)))
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let finished = async {
            let mut transaction = self.connection.begin().await?;
            (&mut *transaction).execute(LOCK).await?;
            progress::forget(&mut transaction, &self.plan).await?;
            transaction.commit().await?;
            // The statistics of all partitions together.
            self.beside(async |connection, tables| {
                analyze(connection, tables.iter().map(|table| table.name)).await
            })
            .await?;
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

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    connection.execute(SETTINGS).await?;
    Ok(connection)
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
    let events = events.into_iter().map(EventRecord::from);
    rows.extend(events.filter_map(|event| (plan.project)(&event)).flatten());
    aside::join_all(connection, &rows).await?;
    Ok(ids.len())
}
