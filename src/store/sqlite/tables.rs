//! Joins rows into the typed tables: what is known is read, joined with what is new, and written back.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{SqliteStore, error::store_error, settle::settle_part, writer::BACKGROUND_ROWS};
use crate::{
    domain::{Key, Kind, Row, Rows, Settlement, Table},
    store::{
        StoreError, TableStore,
        rows::SettlementRow,
        typed_rows::{columns, joined, key_columns, list, overwritten, read, write},
    },
};

#[async_trait]
impl TableStore for SqliteStore {
    async fn apply(
        &self,
        rows: &Rows,
        holder: &str,
        settlements: &[Settlement],
    ) -> Result<(), StoreError> {
        let mut turn = self
            .writer
            .begin_in_background()
            .await
            .map_err(store_error)?;
        for (table, rows) in rows.tables() {
            join(&mut turn.connection, table, rows)
                .await
                .map_err(store_error)?;
        }
        let settlements: Vec<_> = settlements.iter().map(SettlementRow::from).collect();
        settle_part(&mut turn.connection, holder, &settlements)
            .await
            .map_err(store_error)?;
        turn.commit().await.map_err(store_error)
    }

    /// The 200s wait for each transaction in the background.
    fn most_applied_at_once(&self) -> usize {
        BACKGROUND_ROWS
    }
}

async fn join(
    connection: &mut SqliteConnection,
    table: &Table,
    rows: &BTreeMap<Key, Row>,
) -> sqlx::Result<()> {
    let known = if table.merges {
        load(connection, table, rows.keys()).await?
    } else {
        BTreeMap::new()
    };
    let joined = joined(table, known, rows);
    let text = write(table, joined.iter())?;
    sqlx::query(AssertSqlSafe(upsert(table)))
        .bind(text)
        .execute(connection)
        .await
        .map(drop)
}

/// What is known of these rows.
async fn load(
    connection: &mut SqliteConnection,
    table: &Table,
    keys: impl Iterator<Item = &Key>,
) -> sqlx::Result<BTreeMap<Key, Row>> {
    let keys: Vec<_> = keys.collect();
    let keys = serde_json::to_string(&keys).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let query = sqlx::query_scalar(AssertSqlSafe(select(table))).bind(keys);
    let texts: Vec<String> = query.fetch_all(connection).await?;
    texts.iter().map(|text| read(table, text)).collect()
}

/// Reads rows by their keys, which are an array of arrays.
fn select(table: &Table) -> String {
    let name = table.name;
    let object: Vec<_> = columns(table)
        .map(|(name, kind)| match kind {
            Kind::Json => format!("'{name}', json(known.\"{name}\")"),
            _ => format!("'{name}', known.\"{name}\""),
        })
        .collect();
    let on: Vec<_> = key_columns(table)
        .enumerate()
        .map(|(part, key)| format!("known.\"{key}\" = wanted.value ->> {part}"))
        .collect();
    // A cross join is made in the order in which it is written.
    format!(
        "select json_object({}) from json_each(?1) as wanted cross join {name} as known where {}",
        object.join(", "),
        on.join(" and ")
    )
}

/// Writes rows, which are an array of JSON.
fn upsert(table: &Table) -> String {
    let name = table.name;
    let all = list(columns(table).map(|(name, _)| name));
    let values: Vec<_> = columns(table)
        .map(|(name, kind)| match kind {
            Kind::Json => format!("nullif(value -> '$.{name}', 'null')"),
            _ => format!("value ->> '$.{name}'"),
        })
        .collect();
    let (key, set) = (list(key_columns(table)), overwritten(table));
    format!(
        "insert into {name} ({all}) select {} from json_each(?1) where true on conflict ({key}) do update set {set}",
        values.join(", ")
    )
}
