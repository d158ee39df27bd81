//! The one connection that events are written through.
//!
//! A connection on which anything went wrong, or whose batch was dropped half-way, is closed and never used
//! again. A pool would keep it, and test it with a ping that has no time limit; after a network split the
//! only writer could then hang for minutes. A pool also pings after each batch, which is one more round trip.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::{Mutex, MutexGuard};

/// A commit is acknowledged once it is on disk, whatever the default of the server, database or role.
/// `remote_apply` waits for even more, so it stays. Set for this transaction only, in the message that
/// opens it: behind a pooler the next transaction may run in another session.
///
/// Of a connection that falls silent half-way the server knows nothing for long, and would keep the locks on the keys,
/// for which whoever stores the same events would wait.
const BEGIN_DURABLY: &str = "
begin isolation level read committed;
set local idle_in_transaction_session_timeout = '10s';
select set_config('synchronous_commit', 'on', true)
where current_setting('synchronous_commit') <> 'remote_apply'";

/// Hands the connection to one batch at a time, in the order they ask.
pub(super) struct Writer {
    options: PgConnectOptions,
    connect_timeout: Duration,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    connection: Option<PgConnection>,
    closed: bool,
}

/// One batch's turn at the connection, with a transaction open.
pub(super) struct Turn<'a> {
    slot: MutexGuard<'a, Slot>,
    /// Runs the batch's statements.
    pub(super) connection: PgConnection,
}

impl Writer {
    pub(super) fn new(options: PgConnectOptions, connect_timeout: Duration) -> Self {
        Self {
            options,
            connect_timeout,
            slot: Mutex::default(),
        }
    }

    /// Waits for our turn and opens a transaction.
    pub(super) async fn begin(&self) -> sqlx::Result<Turn<'_>> {
        let mut slot = self.slot.lock().await;
        if slot.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        // A kept connection may have died while it was idle, or hang. Nothing was sent yet, so a new one may
        // try. Half of the time, so that the new one is still in time for those who wait.
        if let Some(kept) = slot.connection.take()
            && let Ok(connection) = within(self.connect_timeout / 2, begin_on(kept)).await
        {
            return Ok(Turn { slot, connection });
        }
        let anew = async { begin_on(self.options.connect().await?).await };
        let connection = within(self.connect_timeout, anew).await?;
        Ok(Turn { slot, connection })
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> sqlx::Result<PgConnection> {
        within(self.connect_timeout, self.options.connect()).await
    }

    /// Keeps a connection for the next batch.
    pub(super) async fn keep(&self, connection: PgConnection) {
        self.slot.lock().await.connection = Some(connection);
    }

    /// Closes the connection and opens no other.
    pub(super) async fn close(&self) {
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
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        let Self {
            mut slot,
            mut connection,
        } = self;
        execute(&mut connection, "commit").await?;
        slot.connection = Some(connection);
        Ok(())
    }
}

async fn begin_on(mut connection: PgConnection) -> sqlx::Result<PgConnection> {
    execute(&mut connection, BEGIN_DURABLY).await?;
    Ok(connection)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let outcome = tokio::time::timeout(limit, work).await;
    outcome.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Statements by the simple protocol: a single round trip, nothing to prepare.
async fn execute(connection: &mut PgConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}
