//! Rows of the tables aside that are kept in memory, as most events speak of what others have just spoken of.

use std::collections::{BTreeMap, HashMap};

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{aside::aside, copy};
use crate::{
    domain::{Key, Row, Rows, Table},
    store::{
        postgres::tables::load,
        typed_rows::{columns, key_columns, list, overwritten},
    },
};

/// So many rows and so many pages, with what was written last: some 200 MB at most.
const MOST_ROWS: usize = 30_000;
const MOST_PAGES: usize = 8;

/// What was said of rows of tables that merge, and is not written yet.
#[derive(Default)]
pub(super) struct Hot {
    said: Rows,
    pages: usize,
    /// The rows that were written last, as they are.
    known: HashMap<&'static str, BTreeMap<Key, Row>>,
}

impl Hot {
    /// Notes what a page of events says.
    pub(super) fn add(&mut self, table: &'static Table, rows: BTreeMap<Key, Row>) {
        for (key, row) in rows {
            self.said.add(table, key, row);
        }
    }

    /// Notes the end of a page, and tells whether it is time to write.
    pub(super) fn is_full(&mut self) -> bool {
        self.pages += 1;
        self.pages >= MOST_PAGES || self.said.len() >= MOST_ROWS
    }

    /// Writes everything, and keeps it as known.
    pub(super) async fn write(&mut self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.pages = 0;
        for (table, said) in std::mem::take(&mut self.said).into_tables() {
            let known = self.known.remove(table.name).unwrap_or_default();
            let rows = join(connection, table, known, said).await?;
            write(connection, table, &rows).await?;
            self.known.insert(table.name, rows);
        }
        Ok(())
    }

    /// Forgets what is known, before somebody else writes.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

/// Only those are read that are not known.
async fn join(
    connection: &mut PgConnection,
    table: &Table,
    mut known: BTreeMap<Key, Row>,
    mut said: BTreeMap<Key, Row>,
) -> sqlx::Result<BTreeMap<Key, Row>> {
    known.retain(|key, _| said.contains_key(key));
    let unknown = said.keys().filter(|key| !known.contains_key(*key));
    known.extend(load(connection, table, &aside(table), unknown).await?);
    for (key, known) in known {
        if let Some(row) = said.get_mut(&key) {
            let new = std::mem::replace(row, known);
            row.join(table, new);
        }
    }
    Ok(said)
}

/// By way of a table of this session's, which is copied to: many times faster than by JSON.
async fn write(
    connection: &mut PgConnection,
    table: &Table,
    rows: &BTreeMap<Key, Row>,
) -> sqlx::Result<()> {
    let stage = format!("pg_temp.{}_stage", table.name);
    copy::copy(connection, table, &stage, rows).await?;
    let all = list(columns(table).map(|(name, _)| name));
    let (key, set) = (list(key_columns(table)), overwritten(table));
    let sql = format!(
        "insert into {} ({all}) select {all} from {stage} on conflict ({key}) do update set {set}",
        aside(table)
    );
    connection.execute(AssertSqlSafe(sql)).await.map(drop)
}

/// Makes the tables that are copied to. They are emptied by every commit.
pub(super) async fn stage(connection: &mut PgConnection, tables: &[&Table]) -> sqlx::Result<()> {
    for table in tables.iter().filter(|table| table.merges) {
        let sql = format!(
            "create temp table {}_stage (like {}) on commit delete rows",
            table.name,
            aside(table)
        );
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    Ok(())
}
