//! Rows of tables that do not merge, each of one event: they are copied as they come.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{Connection, Executor, PgConnection};

use super::{
    aside::aside,
    copy,
    lane::{Filling, Page},
};
use crate::{
    domain::{Key, Row, Table},
    store::postgres::tables::join,
};

/// Copies each page.
pub(super) struct Journals;

#[async_trait]
impl Filling for Journals {
    async fn take(&mut self, connection: &mut PgConnection, page: Page) -> sqlx::Result<bool> {
        let mut transaction = connection.begin().await?;
        for (table, rows) in page {
            copy_or_join(&mut transaction, table, &rows).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn end(&mut self, _: &mut PgConnection) -> sqlx::Result<()> {
        Ok(())
    }
}

/// Copying is many times faster, and takes no row that is there already, as after an interruption.
async fn copy_or_join(
    connection: &mut PgConnection,
    table: &Table,
    rows: &BTreeMap<Key, Row>,
) -> sqlx::Result<()> {
    connection.execute("savepoint copying").await?;
    match copy::copy(connection, table, &aside(table), rows).await {
        Ok(()) => connection
            .execute("release savepoint copying")
            .await
            .map(drop),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            connection.execute("rollback to savepoint copying").await?;
            join(connection, table, &aside(table), rows).await
        }
        Err(error) => Err(error),
    }
}
