//! What the server's planner knows of the typed tables as wholes.
//!
//! They are partitioned, and autovacuum analyzes partitions, never what they are parts of
//! (PostgreSQL's manual, "Updating Planner Statistics").

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::PostgresStore;
use crate::domain::Table;

/// Those with rows that were never analyzed, or whose partition was analyzed by the server since. Whoever owns
/// neither the table nor its owner's privileges is not allowed to.
const STALE: &str = "
select whole.relname
from pg_stat_user_tables whole
join pg_class on pg_class.oid = whole.relid
join pg_inherits on inhparent = whole.relid
join pg_stat_user_tables part on part.relid = inhrelid
where whole.relname = any($1) and whole.schemaname = current_schema() and pg_has_role(relowner, 'usage')
  and case when whole.last_analyze is null then pg_relation_size(part.relid) > 0
           else part.last_autoanalyze > whole.last_analyze end";

impl PostgresStore {
    pub(super) async fn analyze_stale(&self, tables: &[&'static Table]) -> sqlx::Result<()> {
        let names: Vec<_> = tables.iter().map(|table| table.name).collect();
        let stale: Vec<String> = sqlx::query_scalar(STALE)
            .bind(names)
            .fetch_all(&self.pool)
            .await?;
        if stale.is_empty() {
            return Ok(());
        }
        // It may take seconds, for which nobody should wait.
        let mut connection = self.options.connect().await?;
        analyze(&mut connection, stale.iter().map(String::as_str)).await?;
        connection.close().await
    }
}

/// Analyzes tables with their partitions.
pub(super) async fn analyze(
    connection: &mut PgConnection,
    names: impl Iterator<Item = &str>,
) -> sqlx::Result<()> {
    for name in names {
        let sql = format!("analyze {name}");
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    Ok(())
}
