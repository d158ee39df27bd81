//! An SQLite file that is open: one connection that writes durably, and some that only read.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{error::store_error, file::Identity, writer::Writer};
use crate::store::StoreError;

/// How long to wait for another process that writes, such as a CLI command.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that only read.
const READERS: u32 = 2;

/// Reads the file's header, which fails when it is no database.
const IS_A_DATABASE: &str = "select count(*) from sqlite_master";

/// The connections to one file.
pub(crate) struct Database {
    /// The one that writes.
    pub(crate) writer: Writer,
    /// Those that read.
    pub(crate) readers: SqlitePool,
    /// Which file they are to.
    pub(crate) identity: Identity,
}

impl Database {
    /// Opens a file that is there.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, |options| options).await
    }

    /// Opens a file that is there, written through a connection with some more options.
    pub(crate) async fn open_with(
        path: &Path,
        for_writing: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // Else larger statements want a file in a folder for temporary ones, and fail where none can be written to.
            .pragma("temp_store", "memory")
            // What stands in a file is data, and what is damaged is noticed rather early.
            .pragma("trusted_schema", "off")
            .pragma("cell_size_check", "on")
            .disable_statement_logging();
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(options.clone().read_only(true));
        let writer = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // On macOS an fsync does not reach the disk without it; elsewhere it means nothing.
            .pragma("fullfsync", "on");
        sqlx::query(IS_A_DATABASE)
            .execute(&readers)
            .await
            .map_err(store_error)?;
        Ok(Self {
            writer: Writer::new(for_writing(writer)),
            readers,
            identity: Identity::of(path)?,
        })
    }

    /// Closes every connection; what comes after fails.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
