//! The store in a file of its own, which one receiver serves from.

mod audit;
mod database;
mod deliveries;
mod error;
mod events;
mod fields;
pub(crate) mod file;
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
};

use async_trait::async_trait;
use sqlx::SqlitePool;

pub(crate) use self::{
    database::Database,
    error::{is_corrupt, is_full, store_error},
    migrations::migration_error,
    writer::Turn,
};
use self::{error::is_read_only, writer::Writer};
use super::{Store, StoreError};

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
        let Database {
            writer,
            readers,
            identity,
        } = Database::open(path).await?;
        Ok(Self {
            writer,
            readers,
            serving: Mutex::new(None),
            identity,
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn check_server(&self) -> Result<(), StoreError> {
        Ok(())
    }

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
