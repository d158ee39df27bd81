//! The store on a PostgreSQL server, which any number of receivers share.

mod column;
mod conflicts;
mod error;
mod events;
mod insert;
mod migrations;
mod rejected;
mod writer;

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use self::{error::store_error, writer::Writer};
use super::{EventFilter, RejectedBudget, Store, StoreError};
use crate::domain::{
    EventId, EventRecord, EventSummary, Insertion, Name, NewEvent, RejectedId, RejectedRequest,
    StoredRejection, Timestamp,
};

/// Connections for everything but the events themselves.
const POOL_SIZE: u32 = 4;

const DURABILITY: &str =
    "select current_setting('fsync')::bool, current_setting('full_page_writes')::bool";

/// On in a standby too, not only where `default_transaction_read_only` is set.
const IS_READ_ONLY: &str = "select current_setting('transaction_read_only')::bool";

/// Events in a PostgreSQL database.
pub struct PostgresStore {
    options: PgConnectOptions,
    writer: Writer,
    pool: PgPool,
}

impl PostgresStore {
    /// Connects, and warns when the server is set up to lose what it has acknowledged.
    ///
    /// A connection that takes longer than `commit_timeout` to come by counts as failed, now and later.
    ///
    /// # Errors
    ///
    /// When the URL is wrong, the server cannot be reached, or it turns us away.
    pub async fn connect(url: &SecretString, commit_timeout: Duration) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(store_error)?
            .application_name("huntr-receiver")
            .disable_statement_logging();
        let writer = Writer::new(options.clone(), commit_timeout);
        let mut connection = writer.connect().await.map_err(store_error)?;
        warn_of_lost_commits(&mut connection)
            .await
            .map_err(store_error)?;
        writer.keep(connection).await;

        let pool = PgPoolOptions::new()
            .max_connections(POOL_SIZE)
            .acquire_timeout(commit_timeout)
            .connect_lazy_with(options.clone());
        Ok(Self {
            options,
            writer,
            pool,
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn insert_events(&self, events: &[NewEvent]) -> Result<Vec<Insertion>, StoreError> {
        self.insert_batch(events).await
    }

    async fn list_events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>, StoreError> {
        self.list(filter).await
    }

    async fn find_event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        self.find(id).await
    }

    async fn keep_rejected(
        &self,
        requests: &[RejectedRequest],
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.keep(requests, budget, now).await
    }

    async fn prune_rejected(
        &self,
        source: &Name,
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.prune(source, budget, now).await
    }

    async fn list_rejected(
        &self,
        source: &Name,
        after: RejectedId,
        limit: u32,
    ) -> Result<Vec<StoredRejection>, StoreError> {
        self.rejected(source, after, limit).await
    }

    async fn remove_rejected(&self, ids: &[RejectedId]) -> Result<(), StoreError> {
        self.remove(ids).await
    }

    async fn migrate(&self) -> Result<usize, StoreError> {
        self.apply_migrations().await
    }

    async fn pending_migrations(&self) -> Result<usize, StoreError> {
        self.count_pending_migrations().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let read_only: bool = sqlx::query_scalar(IS_READ_ONLY)
            .fetch_one(&self.pool)
            .await
            .map_err(store_error)?;
        if read_only {
            Err(StoreError::ReadOnly)
        } else {
            Ok(())
        }
    }

    async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}

async fn warn_of_lost_commits(connection: &mut PgConnection) -> sqlx::Result<()> {
    let (fsync, full_page_writes): (bool, bool) =
        sqlx::query_as(DURABILITY).fetch_one(connection).await?;
    if !fsync {
        tracing::warn!(
            "the database server runs with fsync = off: a power cut loses acknowledged events; set it on"
        );
    }
    if !full_page_writes {
        tracing::warn!(
            "the database server runs with full_page_writes = off: a power cut can corrupt the database, \
             unless its file system writes pages whole"
        );
    }
    Ok(())
}
