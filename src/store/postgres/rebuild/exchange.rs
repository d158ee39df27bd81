//! Exchanges the partitions of all typed tables, in one transaction.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgDatabaseError};

use super::{
    aside::{aside, partition},
    take_applied,
};
use crate::{
    domain::Table,
    store::{Exchange, RebuildPlan, StoreError, postgres::tables::LOCK},
};

/// We give up before the server looks for deadlocks (after 1 s), for then it might be a reader that it stops.
const LIMITS: &str = "set local lock_timeout = '500ms'";

const LIMIT_LOCKING: &str = "set local statement_timeout = '700ms'";

/// What is exchanged stays so after a power cut.
const NO_LIMIT: &str = "set local statement_timeout = 0; set local lock_timeout = 0; set local synchronous_commit = on";

const FINISH: &str =
    "update tables_rebuilds set finished_at = now(), renewed_at = now() where id = $1";

pub(super) async fn exchange(
    connection: &mut PgConnection,
    plan: &RebuildPlan,
    id: i64,
    likeness: &[String],
) -> sqlx::Result<Exchange> {
    let mut transaction = connection.begin().await?;
    transaction.execute(LIMITS).await?;
    let locked = lock(&mut transaction, plan).await;
    if locked.as_ref().is_err_and(is_taken) {
        transaction.rollback().await?;
        return Ok(Exchange::Busy);
    }
    locked?;
    for table in &plan.tables {
        transaction.execute(AssertSqlSafe(replace(table))).await?;
    }
    for statement in likeness {
        transaction
            .execute(AssertSqlSafe(statement.clone()))
            .await?;
    }
    for table in &plan.tables {
        transaction.execute(AssertSqlSafe(attach(table))).await?;
    }
    sqlx::query(FINISH)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Exchange::Done)
}

/// First against those who write, who are done soon, and when all is taken over against those who read.
async fn lock(connection: &mut PgConnection, plan: &RebuildPlan) -> sqlx::Result<()> {
    connection.execute(LOCK).await?;
    while take_applied(connection, plan).await? > 0 {}
    connection.execute(LIMIT_LOCKING).await?;
    let names: Vec<_> = plan.tables.iter().map(|table| table.name).collect();
    let lock = format!("lock table {} in access exclusive mode", names.join(", "));
    connection.execute(AssertSqlSafe(lock)).await?;
    connection.execute(NO_LIMIT).await.map(drop)
}

/// Whether somebody has a lock: `lock_not_available`, `query_canceled`, `deadlock_detected`.
fn is_taken(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["55P03", "57014", "40P01"].contains(&&*code))
}

/// Whatever depends on the old partition itself makes this fail, and all is as it was.
fn replace(table: &Table) -> String {
    let (name, old, new) = (table.name, partition(table), aside(table));
    format!(
        "alter table {name} detach partition {old}; drop table {old}; alter table {new} rename to {old}"
    )
}

fn attach(table: &Table) -> String {
    format!(
        "alter table {} attach partition {} default",
        table.name,
        partition(table)
    )
}

/// What hangs on a partition: `foreign_key_violation`, `dependent_objects_still_exist`.
pub(super) fn in_the_way(error: &sqlx::Error) -> Option<StoreError> {
    let error = error.as_database_error()?;
    let code = error.code()?;
    let postgres = error.try_downcast_ref::<PgDatabaseError>()?;
    let what = match &*code {
        "23503" => error.message().to_owned(),
        "2BP01" => [error.message(), postgres.detail().unwrap_or_default()].join(": "),
        _ => return None,
    };
    Some(StoreError::InTheWay { what })
}
