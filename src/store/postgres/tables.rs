//! Joins rows into the typed tables: what is known is read, joined with what is new, and written back.
//!
//! One transaction at a time does so, whichever receiver's it is, so what was read is not changed meanwhile.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    PostgresStore,
    column::column,
    error::store_error,
    patience::{BEGIN, connection, end, patiently},
    rebuild::PostgresRebuild,
    settle::settle_rows,
};
use crate::{
    domain::{Key, Row, Rows, Settlement, Table},
    store::{
        KeptKeys, Rebuild, RebuildPlan, StoreError, TableStore,
        rows::SettlementRow,
        typed_rows::{
            columns, joined, kept, key_columns, list, overwritten, read, read_key, write,
        },
    },
};

/// Enough to share the cost of a transaction, and few enough to be done soon.
const MOST_AT_ONCE: usize = 500;

/// The number of the lock is ours alone ("htables" in ASCII). What a power cut takes away was not recorded as done
/// either, and is done again: the commit need not wait for the disk.
pub(super) const LOCK: &str = "
select set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(29401359189828979)";

/// The same lock, beyond a transaction.
pub(super) const HOLD: &str = "select pg_advisory_lock(29401359189828979)";
pub(super) const LET_GO: &str = "select pg_advisory_unlock(29401359189828979)";

/// What is applied during a rebuild is to be taken over into the new tables. One that nobody has gone on with for a
/// day is begun anew.
const NOTE_FOR_REBUILD: &str = "
insert into tables_rebuild_events (event_id)
select event_id
from unnest($1::bigint[]) as applied (event_id)
where exists (
    select from tables_rebuilds where finished_at is null and renewed_at > now() - interval '1 day'
)
on conflict do nothing";

/// By the key, in parts: only what is looked for is sent, and where to go on.
const KEPT_KEYS: &str = "
with page as materialized (
    select source, id from {table} where (source, id) > ($1, $2) order by source, id limit $3
)
select source, id, true
from page
where not exists (
    select from events where events.source = page.source and events.delivery_id = page.id
)
union all
(select source, id, false from page order by source desc, id desc limit 1)";

#[async_trait]
impl TableStore for PostgresStore {
    async fn apply(
        &self,
        rows: &Rows,
        holder: &str,
        settlements: &[Settlement],
    ) -> Result<(), StoreError> {
        let mut connection = connection(&self.pool).await?;
        let applied = apply(&mut connection, rows, holder, settlements);
        let applied = patiently(applied).await;
        end(connection, applied)
    }

    fn most_applied_at_once(&self) -> usize {
        MOST_AT_ONCE
    }

    async fn rebuild(&self, plan: RebuildPlan) -> Result<Box<dyn Rebuild>, StoreError> {
        let rebuild = PostgresRebuild::begin(&self.options, plan).await;
        Ok(Box::new(rebuild?))
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
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await;
        Ok(kept(keys.map_err(store_error)?))
    }

    async fn typed_rows(
        &self,
        table: &'static Table,
        keys: &[Key],
    ) -> Result<Vec<String>, StoreError> {
        let mut connection = connection(&self.pool).await?;
        let texts = texts(&mut connection, table, table.name, keys.iter()).await;
        texts.map_err(store_error)
    }

    async fn refresh_statistics(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        self.analyze_stale(tables).await.map_err(store_error)
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

async fn apply(
    connection: &mut PgConnection,
    rows: &Rows,
    holder: &str,
    settlements: &[Settlement],
) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    for (table, rows) in rows.tables() {
        join(&mut transaction, table, table.name, rows).await?;
    }
    sqlx::query(NOTE_FOR_REBUILD)
        .bind(column(settlements, |settlement| settlement.event.0))
        .execute(&mut *transaction)
        .await?;
    let settlements: Vec<_> = settlements.iter().map(SettlementRow::from).collect();
    settle_rows(&mut transaction, holder, &settlements).await?;
    transaction.commit().await
}

/// Joins rows into a table of this name, which has the columns of `table`.
pub(super) async fn join(
    connection: &mut PgConnection,
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
pub(super) async fn load(
    connection: &mut PgConnection,
    table: &Table,
    name: &str,
    keys: impl Iterator<Item = &Key> + Clone,
) -> sqlx::Result<BTreeMap<Key, Row>> {
    let texts = texts(connection, table, name, keys).await?;
    texts.iter().map(|text| read(table, text)).collect()
}

/// Rows as JSON.
async fn texts(
    connection: &mut PgConnection,
    table: &Table,
    name: &str,
    keys: impl Iterator<Item = &Key> + Clone,
) -> sqlx::Result<Vec<String>> {
    let mut query = sqlx::query_scalar(AssertSqlSafe(select(table, name)));
    for part in 0..=table.key.len() {
        let column: Vec<&str> = keys
            .clone()
            .filter_map(|key| key.get(part).map(String::as_str))
            .collect();
        query = query.bind(column);
    }
    query.fetch_all(connection).await
}

/// Reads rows by their keys, a list of each part of the key.
fn select(table: &Table, name: &str) -> String {
    let lists: Vec<_> = (1..=table.key.len() + 1)
        .map(|number| format!("${number}::text[]"))
        .collect();
    let (lists, key) = (lists.join(", "), list(key_columns(table)));
    format!(
        "select row_to_json(known)::text from unnest({lists}) as wanted ({key}) join {name} as known using ({key})"
    )
}

/// Writes rows, which are an array of JSON.
fn upsert(table: &Table, name: &str) -> String {
    let all = list(columns(table).map(|(name, _)| name));
    let (key, set) = (list(key_columns(table)), overwritten(table));
    format!(
        "insert into {name} ({all}) select {all} from json_populate_recordset(null::{name}, $1::text::json) \
         on conflict ({key}) do update set {set}"
    )
}
