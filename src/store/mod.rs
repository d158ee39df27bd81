//! Where events are made durable. One trait, by concern, and two backends with the same file names.

mod audit;
mod deliveries;
mod error;
mod events;
mod fields;
pub(crate) mod migrations;
pub mod postgres;
mod rebuild;
mod rejected;
mod rows;
pub mod sqlite;
mod tables;
mod typed_rows;
mod url;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;

pub use audit::{AuditStore, JournalTally, Tally};
pub use deliveries::{
    Announcements, Claim, Claimed, DeliveryFilter, DeliveryStore, Held, Pending, Replay,
};
pub use error::StoreError;
pub use events::{EventFilter, EventStore};
pub use fields::{FieldStore, Imported};
pub use migrations::Schema;
pub use rebuild::{Difference, Exchange, KeptKeys, Portion, Rebuild, RebuildPlan, RebuildProgress};
pub use rejected::{RejectedBudget, RejectedStore};
pub use tables::TableStore;
pub use typed_rows::{read as read_row, write as write_rows};
pub use url::DatabaseUrl;

use self::{postgres::PostgresStore, sqlite::SqliteStore};
use crate::units;

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

/// What the receiver asks of a database, by concern.
///
/// Both backends answer alike; one suite of tests (`tests/it/store.rs`) holds them to it.
#[async_trait]
pub trait Store:
    AuditStore
    + EventStore
    + DeliveryStore
    + FieldStore
    + RejectedStore
    + Schema
    + TableStore
    + Send
    + Sync
    + 'static
{
    /// Connects to a server, and warns where it is set up to lose what it has acknowledged. An embedded database is
    /// open already.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, turns us away, or cannot hold what is sent.
    async fn check_server(&self) -> Result<(), StoreError>;

    /// Whether a commit would be accepted now: reachable, not read-only, and open to us.
    ///
    /// # Errors
    ///
    /// Why it would not.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Closes every connection; what comes after fails.
    async fn close(&self);
}

/// Opens the configured database for `serve`; an embedded one is created where it is missing, a server is not
/// connected to yet.
///
/// # Errors
///
/// When it is not usable, or another process serves from it.
pub async fn open_for_serving(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &config.url {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::open_for_serving(path).await?),
        DatabaseUrl::Postgres(url) => Arc::new(PostgresStore::new(url, config.commit_timeout)?),
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
