//! Joins rows into the typed tables: what is known is read, joined with what is new, and written back.
//!
//! One transaction at a time does so, whichever receiver's it is, so what was read is not changed meanwhile.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    PostgresStore,
    patience::{BEGIN, connection, end, patiently},
    settle::settle_rows,
};
use crate::{
    domain::{Key, Row, Rows, Settlement, Table},
    store::{
        StoreError, TableStore,
        rows::SettlementRow,
        typed_rows::{columns, joined, key_columns, list, overwritten, read, write},
    },
};

/// Enough to share the cost of a transaction, and few enough to be done soon.
const MOST_AT_ONCE: usize = 500;

/// The number of the lock is ours alone ("htables" in ASCII). What a power cut takes away was not recorded as done
/// either, and is done again: the commit need not wait for the disk.
const LOCK: &str = "
select set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(29401359189828979)";

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
        join(&mut transaction, table, rows).await?;
    }
    let settlements: Vec<_> = settlements.iter().map(SettlementRow::from).collect();
    settle_rows(&mut transaction, holder, &settlements).await?;
    transaction.commit().await
}

async fn join(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    table: &Table,
    keys: impl Iterator<Item = &Key> + Clone,
) -> sqlx::Result<BTreeMap<Key, Row>> {
    let mut query = sqlx::query_scalar(AssertSqlSafe(select(table)));
    for part in 0..=table.key.len() {
        let column: Vec<&str> = keys
            .clone()
            .filter_map(|key| key.get(part).map(String::as_str))
            .collect();
        query = query.bind(column);
    }
    let texts: Vec<String> = query.fetch_all(connection).await?;
    texts.iter().map(|text| read(table, text)).collect()
}

/// Reads rows by their keys, a list of each part of the key.
fn select(table: &Table) -> String {
    let name = table.name;
    let lists: Vec<_> = (1..=table.key.len() + 1)
        .map(|number| format!("${number}::text[]"))
        .collect();
    let (lists, key) = (lists.join(", "), list(key_columns(table)));
    format!(
        "select row_to_json(known)::text from unnest({lists}) as wanted ({key}) join {name} as known using ({key})"
    )
}

/// Writes rows, which are an array of JSON.
fn upsert(table: &Table) -> String {
    let name = table.name;
    let all = list(columns(table).map(|(name, _)| name));
    let (key, set) = (list(key_columns(table)), overwritten(table));
    format!(
        "insert into {name} ({all}) select {all} from json_populate_recordset(null::{name}, $1::text::json) \
         on conflict ({key}) do update set {set}"
    )
}
