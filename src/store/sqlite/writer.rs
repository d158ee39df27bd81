//! The one connection that everything is written through; events go first.
//!
//! A connection on which anything went wrong, or whose batch was dropped half-way, is closed, which rolls
//! back, and never used again. `sqlx`'s own transaction loses count when SQLite rolls back by itself, as it
//! does when the disk is full.

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Mutex, MutexGuard};

/// At most so many rows are written in the background before it is the events' turn again.
pub(super) const BACKGROUND_ROWS: usize = BACKGROUND_LIMIT as usize;
/// [`BACKGROUND_ROWS`] as a statement's limit.
pub(super) const BACKGROUND_LIMIT: u32 = 64;

/// Hands the connection to one batch at a time, in the order they ask.
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    slot: Mutex<Slot>,
    /// Held while waiting for the connection in the background, so that at most one such batch is ever
    /// ahead of the events.
    background: Mutex<()>,
}

#[derive(Default)]
struct Slot {
    connection: Option<SqliteConnection>,
    closed: bool,
}

/// One batch's turn at the connection, with a transaction open.
pub(crate) struct Turn<'a> {
    slot: MutexGuard<'a, Slot>,
    _background: Option<MutexGuard<'a, ()>>,
    /// Runs the batch's statements.
    pub(crate) connection: SqliteConnection,
}

impl Writer {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            options,
            slot: Mutex::default(),
            background: Mutex::default(),
        }
    }

    /// Waits for the events' turn and opens a transaction.
    pub(crate) async fn begin(&self) -> sqlx::Result<Turn<'_>> {
        let mut slot = self.slot.lock().await;
        if slot.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        let mut connection = match slot.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        // Immediate: a batch that began by reading could not wait for another process that writes.
        execute(&mut connection, "begin immediate").await?;
        Ok(Turn {
            slot,
            _background: None,
            connection,
        })
    }

    /// Waits for a turn that lets the events pass. Not to be held for more than [`BACKGROUND_ROWS`] rows.
    pub(crate) async fn begin_in_background(&self) -> sqlx::Result<Turn<'_>> {
        let background = self.background.lock().await;
        let turn = self.begin().await?;
        Ok(Turn {
            _background: Some(background),
            ..turn
        })
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> sqlx::Result<SqliteConnection> {
        self.options.connect().await
    }

    /// Closes the connection and opens no other.
    pub(crate) async fn close(&self) {
        let mut slot = self.slot.lock().await;
        slot.closed = true;
        if let Some(connection) = slot.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the writing connection did not close cleanly");
        }
    }
}

impl Turn<'_> {
    /// Commits, and keeps the connection for the next batch.
    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        self.end("commit").await
    }

    /// Takes back what was done, and keeps the connection.
    pub(crate) async fn roll_back(self) -> sqlx::Result<()> {
        self.end("rollback").await
    }

    async fn end(mut self, sql: &'static str) -> sqlx::Result<()> {
        execute(&mut self.connection, sql).await?;
        self.slot.connection = Some(self.connection);
        Ok(())
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::query(sql).execute(connection).await.map(drop)
}
