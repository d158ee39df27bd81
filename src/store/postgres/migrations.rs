//! Brings a PostgreSQL database to the schema this version knows.

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Connection,
    migrate::{MigrateError, Migrator},
};

use super::{PostgresStore, error::store_error};
use crate::store::{Schema, StoreError, migrations};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

const WAS_EVER_MIGRATED: &str = "select to_regclass('_sqlx_migrations') is not null";

const APPLIED: &str = "select version, checksum from _sqlx_migrations order by version";

#[async_trait]
impl Schema for PostgresStore {
    async fn migrate(&self) -> Result<usize, StoreError> {
        // A connection of its own: closing it frees the advisory lock also when a migration fails.
        let mut connection = self.options.connect().await.map_err(store_error)?;
        let applied = migrations::apply_pending(&mut connection, &MIGRATIONS).await;
        let closed = connection.close().await;
        let applied = applied.map_err(migration_error)?;
        closed.map_err(store_error)?;
        Ok(applied)
    }

    async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let migrated: bool = sqlx::query_scalar(WAS_EVER_MIGRATED)
            .fetch_one(&self.pool)
            .await
            .map_err(store_error)?;
        let rows: Vec<(i64, Vec<u8>)> = if migrated {
            let rows = sqlx::query_as(APPLIED).fetch_all(&self.pool).await;
            rows.map_err(store_error)?
        } else {
            Vec::new()
        };
        let applied: Vec<_> = rows.into_iter().map(migrations::applied).collect();
        Ok(migrations::pending(&MIGRATIONS, &applied)?.len())
    }
}

fn migration_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => store_error(error),
        other => StoreError::Migration(other),
    }
}
