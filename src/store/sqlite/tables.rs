//! Joins rows into the typed tables: what is known is read, joined with what is new, and written back.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{
    SqliteStore, error::store_error, rebuild::SqliteRebuild, settle::settle_part,
    writer::BACKGROUND_ROWS,
};
use crate::{
    domain::{Key, Kind, Row, Rows, Settlement, Table},
    store::{
        KeptKeys, Rebuild, RebuildPlan, StoreError, TableStore,
        rows::SettlementRow,
        typed_rows::{
            columns, joined, kept, key_columns, list, overwritten, read, read_key, write,
        },
    },
};

/// What is applied during a rebuild is to be taken over into the new tables. One that nobody has gone on with for a
/// day is begun anew.
const NOTE_FOR_REBUILD: &str = "
insert into tables_rebuild_events (event_id)
select value
from json_each(?1)
where exists (
    select 1 from tables_rebuilds
    where finished_at is null and renewed_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
)
on conflict do nothing";

/// By the key, in parts: only what is looked for is given, and where to go on.
const KEPT_KEYS: &str = "
with page as materialized (
    select source, id from {table} where (source, id) > (?1, ?2) order by source, id limit ?3
)
select source, id, true
from page
where not exists (
    select 1 from events where events.source = page.source and events.delivery_id = page.id
)
union all
select * from (select source, id, false from page order by source desc, id desc limit 1)";

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
            join(&mut turn.connection, table, table.name, rows)
                .await
                .map_err(store_error)?;
        }
        let ids: Vec<_> = settlements
            .iter()
            .map(|settlement| settlement.event.0)
            .collect();
        sqlx::query(NOTE_FOR_REBUILD)
            .bind(serde_json::json!(ids).to_string())
            .execute(&mut turn.connection)
            .await
            .map_err(store_error)?;
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

    async fn rebuild(&self, plan: RebuildPlan) -> Result<Box<dyn Rebuild>, StoreError> {
        Ok(Box::new(SqliteRebuild::begin(self, plan).await?))
    }

    async fn kept_keys(
        &self,
        table: &'static Table,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<KeptKeys, StoreError> {
        let part = |place: usize| {
            let part = after.and_then(|key| key.get(place));
            part.map_or("", String::as_str)
        };
        let sql = KEPT_KEYS.replace("{table}", table.name);
        let keys = sqlx::query_as(AssertSqlSafe(sql))
            .bind(part(0))
            .bind(part(1))
            .bind(limit)
            .fetch_all(&self.readers)
            .await;
        Ok(kept(keys.map_err(store_error)?))
    }

    async fn typed_rows(
        &self,
        table: &'static Table,
        keys: &[Key],
    ) -> Result<Vec<String>, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(store_error)?;
        let texts = texts(&mut connection, table, table.name, keys.iter()).await;
        texts.map_err(store_error)
    }

    /// Its planner does without.
    async fn refresh_statistics(&self, _: &[&'static Table]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn known_keys(
        &self,
        table: &'static Table,
        keys: &[Key],
    ) -> Result<Vec<Key>, StoreError> {
        let texts = self.typed_rows(table, keys).await?;
        let keys = texts.iter().map(|text| read_key(table, text));
        keys.collect::<sqlx::Result<_>>().map_err(store_error)
    }
}

/// Joins rows into a table of this name, which has the columns of `table`.
pub(super) async fn join(
    connection: &mut SqliteConnection,
    table: &Table,
    name: &str,
    rows: &BTreeMap<Key, Row>,
) -> sqlx::Result<()> {
    let known = if table.merges {
        load(connection, table, name, rows.keys()).await?
    } else {
        BTreeMap::new()
    };
    let joined = joined(table, known, rows);
    let text = write(table, joined.iter())?;
    sqlx::query(AssertSqlSafe(upsert(table, name)))
        .bind(text)
        .execute(connection)
        .await
        .map(drop)
}

/// What is known of these rows.
async fn load(
    connection: &mut SqliteConnection,
    table: &Table,
    name: &str,
    keys: impl Iterator<Item = &Key>,
) -> sqlx::Result<BTreeMap<Key, Row>> {
    let texts = texts(connection, table, name, keys).await?;
    texts.iter().map(|text| read(table, text)).collect()
}

/// Rows as JSON.
async fn texts(
    connection: &mut SqliteConnection,
    table: &Table,
    name: &str,
    keys: impl Iterator<Item = &Key>,
) -> sqlx::Result<Vec<String>> {
    let keys: Vec<_> = keys.collect();
    let keys = serde_json::to_string(&keys).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let query = sqlx::query_scalar(AssertSqlSafe(select(table, name))).bind(keys);
    query.fetch_all(connection).await
}

/// Reads rows by their keys, which are an array of arrays.
fn select(table: &Table, name: &str) -> String {
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
fn upsert(table: &Table, name: &str) -> String {
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
