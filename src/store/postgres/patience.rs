//! Gives up a connection on which the server does not answer any more.

use std::time::Duration;

use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tokio::time::{error::Elapsed, timeout};

use super::error::store_error;
use crate::store::StoreError;

/// After a network split nothing else ends a statement for many minutes.
const HANGING: Duration = Duration::from_secs(10);

/// Of a connection that falls silent half-way the server knows nothing for long, and would keep the locks.
/// Whatever the server's default is: what is committed while we wait for a lock is to be seen.
pub(super) const BEGIN: &str =
    "begin isolation level read committed; set local idle_in_transaction_session_timeout = '10s'";

/// A connection for a statement that deliveries wait for.
pub(super) async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, StoreError> {
    pool.acquire().await.map_err(store_error)
}

/// Waits for a statement that runs on a [`connection`], to be told to [`end`].
pub(super) async fn patiently<T>(
    statement: impl Future<Output = sqlx::Result<T>>,
) -> Result<sqlx::Result<T>, Elapsed> {
    timeout(HANGING, statement).await
}

/// The statement's answer. Without one, the connection is taken out of the pool, which would ask it once more,
/// without a limit, before it gave its place to another.
pub(super) fn end<T>(
    connection: PoolConnection<Postgres>,
    answer: Result<sqlx::Result<T>, Elapsed>,
) -> Result<T, StoreError> {
    if let Ok(answer) = answer {
        return answer.map_err(store_error);
    }
    drop(connection.detach());
    Err(StoreError::Hanging)
}
