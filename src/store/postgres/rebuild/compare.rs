//! Compares the tables aside with the typed tables.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{aside::aside, take_applied};
use crate::{
    domain::Table,
    store::{
        Difference, RebuildPlan,
        postgres::tables::{HOLD, LET_GO},
        typed_rows::differing,
    },
};

/// All that follows sees one moment, that of the second statement, at which nobody applies anything.
const CHOOSE_MOMENT: &str = "begin isolation level repeatable read; select 1";

/// Whoever applies waits until the moment is chosen, and not for the comparison.
pub(super) async fn compare(
    connection: &mut PgConnection,
    plan: &RebuildPlan,
) -> sqlx::Result<Vec<Difference>> {
    connection.execute(HOLD).await?;
    loop {
        let mut transaction = connection.begin().await?;
        let events = take_applied(&mut transaction, plan).await?;
        transaction.commit().await?;
        if events == 0 {
            break;
        }
    }
    connection.execute(CHOOSE_MOMENT).await?;
    connection.execute(LET_GO).await?;
    let mut differences = Vec::new();
    for table in &plan.tables {
        differences.push(difference(connection, table).await?);
    }
    connection.execute("rollback").await?;
    Ok(differences)
}

async fn difference(
    connection: &mut PgConnection,
    table: &'static Table,
) -> sqlx::Result<Difference> {
    let sql = differing(table, &aside(table), "is distinct from");
    let (rows, example): (i64, Option<String>) = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await?;
    Ok(Difference {
        table: table.name,
        rows: rows.unsigned_abs(),
        example,
    })
}
