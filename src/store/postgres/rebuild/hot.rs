//! Rows of tables that merge: they gather in memory, as most events speak of what others have just spoken of.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{
    aside::aside,
    copy,
    lane::{Filling, Page},
};
use crate::{
    domain::{Key, Row, Rows, Table},
    store::{
        postgres::tables::load,
        typed_rows::{columns, key_columns, list, overwritten},
    },
};

/// So many rows and so many pages. With what was written last and what waits, a rebuild takes some 350 MB.
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

#[async_trait]
impl Filling for Hot {
    async fn take(&mut self, connection: &mut PgConnection, page: Page) -> sqlx::Result<bool> {
        for (table, rows) in page {
            for (key, row) in rows {
                self.said.add(table, key, row);
            }
        }
        self.pages += 1;
        let is_full = self.pages >= MOST_PAGES || self.said.len() >= MOST_ROWS;
        if is_full {
            self.write(connection).await?;
        }
        Ok(is_full)
    }

    async fn end(&mut self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.write(connection).await
    }
}

impl Hot {
    /// Makes the tables that are copied to. They are emptied by every commit.
    pub(super) async fn stage(
        connection: &mut PgConnection,
        tables: &[&Table],
    ) -> sqlx::Result<Self> {
        for table in tables.iter().filter(|table| table.merges) {
            let sql = format!(
                "create temp table {}_stage (like {}) on commit delete rows",
                table.name,
                aside(table)
            );
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        Ok(Self::default())
    }

    /// Writes everything, and keeps it as known.
    async fn write(&mut self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut transaction = connection.begin().await?;
        for (table, said) in std::mem::take(&mut self.said).into_tables() {
            let known = self.known.remove(table.name).unwrap_or_default();
            let known = know(&mut transaction, table, known, &said).await?;
            let (mut rows, mut new) = join(table, known, said);
            copy::copy(&mut transaction, table, &aside(table), &new).await?;
            overwrite(&mut transaction, table, &rows).await?;
            rows.append(&mut new);
            self.known.insert(table.name, rows);
        }
        self.pages = 0;
        transaction.commit().await
    }
}

/// The rows that are there of those that something is said of. Only those are read that are not known.
async fn know(
    connection: &mut PgConnection,
    table: &Table,
    mut known: BTreeMap<Key, Row>,
    said: &BTreeMap<Key, Row>,
) -> sqlx::Result<BTreeMap<Key, Row>> {
    known.retain(|key, _| said.contains_key(key));
    let unknown = said.keys().filter(|key| !known.contains_key(*key));
    let read = load(connection, table, &aside(table), unknown).await?;
    known.extend(read);
    Ok(known)
}

/// The rows that are there, joined with what is said, and those that are new.
fn join(
    table: &Table,
    mut known: BTreeMap<Key, Row>,
    mut said: BTreeMap<Key, Row>,
) -> (BTreeMap<Key, Row>, BTreeMap<Key, Row>) {
    for (key, row) in &mut known {
        if let Some(said) = said.remove(key) {
            row.join(table, said);
        }
    }
    (known, said)
}

/// By way of a table of this session's, which is copied to: many times faster than by JSON.
async fn overwrite(
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
