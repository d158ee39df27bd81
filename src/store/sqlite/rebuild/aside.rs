//! The tables aside: made like the typed tables, with their indexes, and removed little by little.

use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use tokio::time::Instant;

use super::give_way;
use crate::{
    domain::Table,
    store::typed_rows::{key_columns, list},
};

/// What an index is called every other time: an index keeps its name, and no two can have the same.
const REBUILT: &str = "_rebuilt";

/// Rows that are removed before it is somebody else's turn.
const PORTION: u32 = 500;

const EXISTS: &str =
    "select exists (select 1 from sqlite_master where type = 'table' and name = ?1)";

/// An index that comes with the key has no statement.
const STATEMENTS: &str = "
select type, name, sql from sqlite_master where tbl_name = ?1 and sql is not null and type in ('table', 'index')
order by type desc";

/// The name of a table aside.
pub(super) fn aside(table: &Table) -> String {
    format!("{}_rebuild", table.name)
}

/// The name of a table that was exchanged for another.
pub(super) fn replaced(table: &Table) -> String {
    format!("{}_replaced", table.name)
}

/// Whether all tables aside are there.
pub(super) async fn are_there(
    connection: &mut SqliteConnection,
    tables: &[&Table],
) -> sqlx::Result<bool> {
    for table in tables {
        if !exists(connection, &aside(table)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn exists(connection: &mut SqliteConnection, name: &str) -> sqlx::Result<bool> {
    let exists = sqlx::query_scalar(EXISTS).bind(name);
    exists.fetch_one(connection).await
}

/// Makes the tables aside, empty, with their keys and indexes.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    tables: &[&Table],
) -> sqlx::Result<()> {
    for table in tables {
        let statements: Vec<(String, String, String)> = sqlx::query_as(STATEMENTS)
            .bind(table.name)
            .fetch_all(&mut *connection)
            .await?;
        for (kind, name, sql) in statements {
            let (head, definition) = sql.split_at(sql.find('(').unwrap_or(sql.len()));
            let aside = aside(table);
            let made = if kind == "table" {
                format!("create table {aside} {definition}")
            } else {
                let is_unique = head.to_ascii_lowercase().contains(" unique ");
                let unique = if is_unique { "unique" } else { "" };
                let name = other_name(&name);
                format!("create {unique} index {name} on {aside} {definition}")
            };
            connection.execute(AssertSqlSafe(made)).await?;
        }
    }
    Ok(())
}

fn other_name(name: &str) -> String {
    match name.strip_suffix(REBUILT) {
        Some(name) => name.to_owned(),
        None => format!("{name}{REBUILT}"),
    }
}

/// Removes a table, if it is there, in portions: to drop a large one at once would take long.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    table: &Table,
    name: &str,
) -> sqlx::Result<()> {
    if !exists(connection, name).await? {
        return Ok(());
    }
    let key = list(key_columns(table));
    let delete =
        format!("delete from {name} where ({key}) in (select {key} from {name} limit {PORTION})");
    loop {
        let started = Instant::now();
        let mut transaction = connection.begin_with("begin immediate").await?;
        let deleted = transaction.execute(AssertSqlSafe(delete.clone())).await?;
        let is_empty = deleted.rows_affected() == 0;
        if is_empty {
            let drop = format!("drop table {name}");
            transaction.execute(AssertSqlSafe(drop)).await?;
        }
        transaction.commit().await?;
        give_way(started).await;
        if is_empty {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_two_names_in_turn() {
        assert_eq!(other_name("jobs_by_owner"), "jobs_by_owner_rebuilt");
        assert_eq!(other_name("jobs_by_owner_rebuilt"), "jobs_by_owner");
    }
}
