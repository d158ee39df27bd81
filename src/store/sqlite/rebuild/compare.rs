//! Compares the tables aside with the typed tables.

use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection, SqlitePool};
use tokio::time::Instant;

use super::{aside::aside, give_way, take_applied};
use crate::{
    domain::Table,
    store::{Difference, RebuildPlan, typed_rows::differing},
};

/// A transaction sees what there was when it first read.
const BEGIN_READING: &str = "begin; select count(*) from tables_rebuilds";

/// Whoever applies waits until the moment is chosen, and not for the comparison.
pub(super) async fn compare(
    connection: &mut SqliteConnection,
    readers: &SqlitePool,
    plan: &RebuildPlan,
) -> sqlx::Result<Vec<Difference>> {
    let mut reader = readers.acquire().await?;
    while !choose_moment(connection, &mut reader, plan).await? {}
    let mut differences = Vec::new();
    for table in &plan.tables {
        differences.push(difference(&mut reader, table).await?);
    }
    reader.execute("rollback").await?;
    Ok(differences)
}

/// Nobody writes while we hold the lock; and when there was nothing left to take over, what the reader sees from
/// then on is all that there is.
async fn choose_moment(
    connection: &mut SqliteConnection,
    reader: &mut SqliteConnection,
    plan: &RebuildPlan,
) -> sqlx::Result<bool> {
    let started = Instant::now();
    let mut transaction = connection.begin_with("begin immediate").await?;
    while take_applied(&mut transaction, plan).await? > 0 {}
    transaction.commit().await?;
    let mut transaction = connection.begin_with("begin immediate").await?;
    let is_complete = take_applied(&mut transaction, plan).await? == 0;
    if is_complete {
        reader.execute(BEGIN_READING).await?;
    }
    transaction.commit().await?;
    give_way(started).await;
    Ok(is_complete)
}

async fn difference(
    connection: &mut SqliteConnection,
    table: &'static Table,
) -> sqlx::Result<Difference> {
    let sql = differing(table, &aside(table), "is not");
    let (rows, example): (i64, Option<String>) = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await?;
    Ok(Difference {
        table: table.name,
        rows: rows.unsigned_abs(),
        example,
    })
}
