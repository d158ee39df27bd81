//! The store in a file of its own, which one receiver serves from.

mod audit;
mod deliveries;
mod error;
mod events;
mod fields;
mod file;
mod insert;
mod leases;
mod migrations;
mod rebuild;
mod rejected;
mod selection;
mod settle;
mod tables;
mod writer;

use std::{
    fs::File,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::{
    error::{is_read_only, store_error},
    writer::Writer,
};
use super::{Store, StoreError};

/// How long to wait for another process that writes, such as a CLI command.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that only read.
const READERS: u32 = 2;

/// Reads the file's header, which fails when it is no database.
const IS_A_DATABASE: &str = "select count(*) from sqlite_master";

/// The least that fails where nothing can be written: `begin immediate` passes on a read-only file.
const WRITE: &str = "pragma user_version = 0";

/// Events in an SQLite file.
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    serving: Mutex<Option<File>>,
    identity: file::Identity,
}

impl SqliteStore {
    /// Opens the database, and creates the file and its folder where they are missing.
    ///
    /// Others may have it open too: this is for commands that run beside `serve`.
    ///
    /// # Errors
    ///
    /// When the file cannot be created or used, or is no database.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_at(&file::create(path)?).await
    }

    /// As [`open`](Self::open), for the one process that serves from it: it holds `<path>.lock` until it is
    /// closed or dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] when another process serves from it; else as [`open`](Self::open).
    pub async fn open_for_serving(path: &Path) -> Result<Self, StoreError> {
        let path = file::create(path)?;
        let lock = file::lock_for_serving(&path)?;
        let mut store = Self::open_at(&path).await?;
        store.serving = Mutex::new(Some(lock));
        Ok(store)
    }

    /// Opens a database that is there; creates nothing.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it is no database.
    pub async fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::open_at(&file::existing(path)?).await
    }

    async fn open_at(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging();
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(options.clone().read_only(true));
        let writer = Writer::new(
            options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                // On macOS an fsync does not reach the disk without it; elsewhere it means nothing.
                .pragma("fullfsync", "on"),
        );
        sqlx::query(IS_A_DATABASE)
            .execute(&readers)
            .await
            .map_err(store_error)?;
        Ok(Self {
            writer,
            readers,
            serving: Mutex::new(None),
            identity: file::Identity::of(path)?,
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    /// Writes, and takes it back: nothing reaches the disk.
    async fn ping(&self) -> Result<(), StoreError> {
        self.identity.check()?;
        let attempt = async {
            let mut turn = self.writer.begin_in_background().await?;
            sqlx::query(WRITE).execute(&mut turn.connection).await?;
            turn.roll_back().await
        };
        attempt.await.map_err(|error| match error {
            error if is_read_only(&error) => StoreError::ReadOnly,
            error => store_error(error),
        })
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.serving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}
