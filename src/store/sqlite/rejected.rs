//! Refused requests, kept aside within a budget for each source; written in short turns.

use async_trait::async_trait;

use super::{SqliteStore, error::store_error, writer::BACKGROUND_ROWS};
use crate::{
    domain::{Name, RejectedId, RejectedRequest, StoredRejection, Timestamp, iso_millis},
    store::{
        RejectedBudget, RejectedStore, StoreError,
        rows::{RejectedRow, headers_text},
    },
};

const INSERT_REJECTED: &str = "
insert into rejected_requests (source, received_at, reason, headers, body)
values (?1, ?2, ?3, ?4, ?5)";

/// Counted from the newest on, so what is over the budget is the oldest.
const OVER_BUDGET: &str = "
select id
from (select id, received_at, row_number() over newest_first as position,
             sum(length(body) + length(cast(headers as blob))) over newest_first as size
      from rejected_requests
      where source = ?1
      window newest_first as (order by id desc rows between unbounded preceding and current row))
where position > ?2 or size > ?3 or received_at < ?4
order by id";

const LIST_REJECTED: &str = "
select id, received_at, headers, body
from rejected_requests
where source = ?1 and id > ?2
order by id
limit ?3";

const REMOVE_REJECTED: &str = "delete from rejected_requests where id = ?1";

#[async_trait]
impl RejectedStore for SqliteStore {
    async fn keep_rejected(&self, requests: &[RejectedRequest]) -> Result<(), StoreError> {
        for some in requests.chunks(BACKGROUND_ROWS) {
            self.insert_rejected(some).await?;
        }
        Ok(())
    }

    async fn prune_rejected(
        &self,
        source: &Name,
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let over_budget = self.over_budget(source, budget, now).await?;
        self.remove_rejected(&over_budget).await
    }

    async fn list_rejected(
        &self,
        source: &Name,
        after: RejectedId,
        limit: u32,
    ) -> Result<Vec<StoredRejection>, StoreError> {
        let rows: Vec<RejectedRow> = sqlx::query_as(LIST_REJECTED)
            .bind(&**source)
            .bind(after.0)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        let rejections = rows.into_iter().map(StoredRejection::try_from);
        rejections.collect::<Result<_, _>>().map_err(store_error)
    }

    async fn remove_rejected(&self, ids: &[RejectedId]) -> Result<(), StoreError> {
        for some in ids.chunks(BACKGROUND_ROWS) {
            let mut turn = self
                .writer
                .begin_in_background()
                .await
                .map_err(store_error)?;
            for id in some {
                sqlx::query(REMOVE_REJECTED)
                    .bind(id.0)
                    .execute(&mut turn.connection)
                    .await
                    .map_err(store_error)?;
            }
            turn.commit().await.map_err(store_error)?;
        }
        Ok(())
    }
}

impl SqliteStore {
    async fn insert_rejected(&self, requests: &[RejectedRequest]) -> Result<(), StoreError> {
        let mut turn = self
            .writer
            .begin_in_background()
            .await
            .map_err(store_error)?;
        for request in requests {
            sqlx::query(INSERT_REJECTED)
                .bind(&*request.source)
                .bind(iso_millis(&request.received_at))
                .bind(request.reason)
                .bind(headers_text(&request.headers))
                .bind(&*request.body)
                .execute(&mut turn.connection)
                .await
                .map_err(store_error)?;
        }
        turn.commit().await.map_err(store_error)
    }

    /// Read beside the writer: counting keeps no event waiting.
    async fn over_budget(
        &self,
        source: &Name,
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<Vec<RejectedId>, StoreError> {
        let ids: Vec<i64> = sqlx::query_scalar(OVER_BUDGET)
            .bind(&**source)
            .bind(i64::from(budget.max_count))
            .bind(budget.max_bytes())
            .bind(budget.oldest(now).as_ref().map(iso_millis))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        Ok(ids.into_iter().map(RejectedId).collect())
    }
}
