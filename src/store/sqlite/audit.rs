//! Counts what contradicts itself, and what is late.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::{SqliteStore, error::store_error};
use crate::{
    domain::{EventId, Table, Timestamp, iso_millis},
    store::{
        AuditStore, JournalTally, StoreError, Tally,
        audit::{
            DEAD, JOURNAL, ORPHANED, OVERDUE, TallyRow, UNAPPLIED, UNROUTED, by_sink, journal,
            tally,
        },
    },
};

#[async_trait]
impl AuditStore for SqliteStore {
    async fn orphaned_deliveries(&self) -> Result<Tally, StoreError> {
        let row: TallyRow = sqlx::query_as(ORPHANED)
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(tally(row))
    }

    async fn overdue_deliveries(
        &self,
        before: Timestamp,
    ) -> Result<Vec<(String, Tally)>, StoreError> {
        let rows = sqlx::query_as(OVERDUE)
            .bind(iso_millis(&before))
            .fetch_all(&self.readers)
            .await;
        Ok(by_sink(rows.map_err(store_error)?))
    }

    async fn dead_deliveries(&self) -> Result<Vec<(String, Tally)>, StoreError> {
        let rows = sqlx::query_as(DEAD).fetch_all(&self.readers).await;
        Ok(by_sink(rows.map_err(store_error)?))
    }

    async fn unrouted_events(
        &self,
        sink: &str,
        types: Option<&BTreeSet<String>>,
    ) -> Result<Tally, StoreError> {
        let types = types.map(|types| serde_json::json!(types).to_string());
        let of_type = "$2 is null or event_type in (select value from json_each($2))";
        let row: TallyRow = sqlx::query_as(AssertSqlSafe(UNROUTED.replace("{types}", of_type)))
            .bind(sink)
            .bind(types)
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(tally(row))
    }

    async fn unapplied_events(&self, last: EventId) -> Result<Tally, StoreError> {
        let row: TallyRow = sqlx::query_as(UNAPPLIED)
            .bind(last.0)
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(tally(row))
    }

    async fn journal(
        &self,
        provider: &'static str,
        table: &'static Table,
    ) -> Result<JournalTally, StoreError> {
        let mut tallies: [Tally; 5] = Default::default();
        for (place, sql) in tallies.iter_mut().zip(JOURNAL) {
            let sql = sql.replace("{table}", table.name);
            let row: TallyRow = sqlx::query_as(AssertSqlSafe(sql))
                .bind(provider)
                .fetch_one(&self.readers)
                .await
                .map_err(store_error)?;
            *place = tally(row);
        }
        Ok(journal(tallies))
    }
}
