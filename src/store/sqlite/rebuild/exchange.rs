//! Exchanges all typed tables, in one transaction.

use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};

use super::{
    aside::{aside, replaced},
    take_applied,
};
use crate::{domain::Table, store::RebuildPlan};

const FINISH: &str = "
update tables_rebuilds
set finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), renewed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
where id = ?1";

/// To rename takes no time, however large a table is.
pub(super) async fn exchange(
    connection: &mut SqliteConnection,
    plan: &RebuildPlan,
    id: i64,
) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    while take_applied(&mut transaction, plan).await? > 0 {}
    for table in &plan.tables {
        transaction.execute(AssertSqlSafe(replace(table))).await?;
    }
    sqlx::query(FINISH)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

fn replace(table: &Table) -> String {
    let (name, old, new) = (table.name, replaced(table), aside(table));
    format!("alter table {name} rename to {old}; alter table {new} rename to {name}")
}
