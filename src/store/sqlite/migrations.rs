//! Brings an embedded database to the schema this version knows.

use async_trait::async_trait;
use sqlx::{
    Connection,
    migrate::{MigrateError, Migrator},
};

use super::{SqliteStore, error::store_error};
use crate::store::{Schema, StoreError, migrations};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const WAS_EVER_MIGRATED: &str = "
select exists (select 1 from sqlite_master where type = 'table' and name = '_sqlx_migrations')";

const APPLIED: &str = "select version, checksum from _sqlx_migrations order by version";

#[async_trait]
impl Schema for SqliteStore {
    async fn migrate(&self) -> Result<usize, StoreError> {
        let mut connection = self.writer.connect().await.map_err(store_error)?;
        // Inside our transaction each migration is a savepoint: all of them are applied, or none, and by
        // one process.
        let mut transaction = connection
            .begin_with("begin immediate")
            .await
            .map_err(store_error)?;
        let applied = migrations::apply_pending(&mut *transaction, &MIGRATIONS)
            .await
            .map_err(migration_error)?;
        transaction.commit().await.map_err(store_error)?;
        connection.close().await.map_err(store_error)?;
        Ok(applied)
    }

    async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let migrated: bool = sqlx::query_scalar(WAS_EVER_MIGRATED)
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        let rows: Vec<(i64, Vec<u8>)> = if migrated {
            let rows = sqlx::query_as(APPLIED).fetch_all(&self.readers).await;
            rows.map_err(store_error)?
        } else {
            Vec::new()
        };
        let applied: Vec<_> = rows.into_iter().map(migrations::applied).collect();
        Ok(migrations::pending(&MIGRATIONS, &applied)?.len())
    }
}

pub(crate) fn migration_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => store_error(error),
        other => StoreError::Migration(other),
    }
}
