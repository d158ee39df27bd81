//! Where events are made durable. One trait, two backends with the same file names.

mod error;
mod migrations;
pub mod postgres;
mod rows;
pub mod sqlite;
mod url;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::Deserialize;

pub use error::StoreError;
pub use url::DatabaseUrl;

use self::{postgres::PostgresStore, sqlite::SqliteStore};

use crate::{
    domain::{
        EventId, EventRecord, EventSummary, Insertion, Name, NewEvent, RejectedId, RejectedRequest,
        StoredRejection, Timestamp,
    },
    units,
};

/// `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://…`, or a reference to one.
    pub url: DatabaseUrl,
    /// A commit slower than this counts as failed.
    #[serde(deserialize_with = "units::timeout")]
    pub commit_timeout: Duration,
    /// Whether `serve` applies the migrations.
    pub migrate: bool,
}

/// What the receiver asks of a database.
///
/// Both backends answer alike; one suite of tests (`tests/it/store.rs`) holds them to it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes a batch durable in one transaction, and tells for each event, in the order given,
    /// whether it was stored or is a duplicate.
    ///
    /// The first body with a (`source`, `delivery_id`) wins, within the batch too; another body under
    /// the same id is kept in `event_conflicts`. A new event's deliveries are committed with it.
    ///
    /// # Errors
    ///
    /// Nothing of the batch is stored, or (when the connection broke during the commit) it is unknown
    /// whether it is. [`StoreError::Refused`] means that one of the rows is to blame.
    async fn insert_events(&self, events: &[NewEvent]) -> Result<Vec<Insertion>, StoreError>;

    /// The newest events that pass the filter, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn list_events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>, StoreError>;

    /// One event, whole.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn find_event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError>;

    /// Keeps refused requests aside, then prunes the sources they belong to.
    ///
    /// # Errors
    ///
    /// When the database does not take them.
    async fn keep_rejected(
        &self,
        requests: &[RejectedRequest],
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes what is over the `budget` of a source, its oldest requests first.
    ///
    /// # Errors
    ///
    /// When the database does not take it.
    async fn prune_rejected(
        &self,
        source: &Name,
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Up to `limit` refused requests of a source with ids above `after`, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn list_rejected(
        &self,
        source: &Name,
        after: RejectedId,
        limit: u32,
    ) -> Result<Vec<StoredRejection>, StoreError>;

    /// Removes refused requests that have become events.
    ///
    /// # Errors
    ///
    /// When the database does not take it.
    async fn remove_rejected(&self, ids: &[RejectedId]) -> Result<(), StoreError>;

    /// Applies the migrations that are not applied yet, and tells how many there were.
    ///
    /// # Errors
    ///
    /// When one fails, or the database was migrated by a newer version.
    async fn migrate(&self) -> Result<usize, StoreError>;

    /// How many migrations are not applied yet.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or was migrated by a newer version.
    async fn pending_migrations(&self) -> Result<usize, StoreError>;

    /// Whether a commit would be accepted now: reachable, and not read-only.
    ///
    /// # Errors
    ///
    /// Why it would not.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Closes every connection; what comes after fails.
    async fn close(&self);
}

/// Opens the configured database for `serve`; an embedded one is created where it is missing.
///
/// # Errors
///
/// When it is not usable, or another process serves from it.
pub async fn open_for_serving(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &config.url {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::open_for_serving(path).await?),
        DatabaseUrl::Postgres(url) => {
            Arc::new(PostgresStore::connect(url, config.commit_timeout).await?)
        }
    })
}

/// Opens the configured database beside a `serve` that may be running; an embedded one is created where
/// it is missing.
///
/// # Errors
///
/// When it is not usable.
pub async fn open(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &config.url {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::open(path).await?),
        DatabaseUrl::Postgres(url) => {
            Arc::new(PostgresStore::connect(url, config.commit_timeout).await?)
        }
    })
}

/// Opens the configured database and creates nothing.
///
/// # Errors
///
/// When it is not there, or not usable.
pub async fn open_existing(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &config.url {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::open_existing(path).await?),
        DatabaseUrl::Postgres(url) => {
            Arc::new(PostgresStore::connect(url, config.commit_timeout).await?)
        }
    })
}

/// Which events [`Store::list_events`] gives; an empty field lets all pass.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only of this event type.
    pub event_type: Option<String>,
    /// Only received at or after this time.
    pub since: Option<Timestamp>,
    /// Only received before this time.
    pub until: Option<Timestamp>,
    /// Only those with a problem.
    pub problems_only: bool,
    /// Only with an id below this one: the next page.
    pub before: Option<EventId>,
    /// At most so many.
    pub limit: u32,
}

/// `[rejected_requests]`: how much is kept aside for each source. What is over it goes, oldest first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedBudget {
    /// Rows.
    pub max_count: u32,
    /// Bytes of their bodies, added up.
    pub max_size: bytesize::ByteSize,
    /// Time since they arrived.
    #[serde(deserialize_with = "units::timeout")]
    pub max_age: Duration,
}

impl RejectedBudget {
    fn max_bytes(&self) -> i64 {
        i64::try_from(self.max_size.as_u64()).unwrap_or(i64::MAX)
    }

    /// What arrived earlier is too old; `None` when nothing can be.
    fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        now.checked_sub_signed(TimeDelta::from_std(self.max_age).ok()?)
    }
}
