//! Refused requests, kept aside within a budget for each source.

use async_trait::async_trait;

use super::{PostgresStore, column::column, error::store_error};
use crate::{
    domain::{Name, RejectedId, RejectedRequest, StoredRejection, Timestamp},
    store::{
        RejectedBudget, RejectedStore, StoreError,
        rows::{RejectedRow, headers_text},
    },
};

const INSERT_REJECTED: &str = "
insert into rejected_requests (source, received_at, reason, headers, body)
select source, received_at, reason, headers::jsonb, body
from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[])
     as new (source, received_at, reason, headers, body)";

/// Counted from the newest on, so what is over the budget is the oldest. What another replica is removing
/// already is skipped rather than waited for.
const PRUNE_REJECTED: &str = "
with counted as (
    select id, received_at, row_number() over newest_first as position,
           sum(octet_length(body) + octet_length(headers::text)) over newest_first as size
    from rejected_requests
    where source = $1
    window newest_first as (order by id desc rows between unbounded preceding and current row)
), over_budget as (
    select id from rejected_requests
    where id = any(array(select id from counted where position > $2 or size > $3 or received_at < $4))
    for update skip locked
)
delete from rejected_requests where id = any(array(select id from over_budget))";

const LIST_REJECTED: &str = "
select id, received_at, headers::text as headers, body
from rejected_requests
where source = $1 and id > $2
order by id
limit $3";

const REMOVE_REJECTED: &str = "delete from rejected_requests where id = any($1)";

#[async_trait]
impl RejectedStore for PostgresStore {
    async fn keep_rejected(&self, requests: &[RejectedRequest]) -> Result<(), StoreError> {
        if requests.is_empty() {
            return Ok(());
        }
        sqlx::query(INSERT_REJECTED)
            .bind(column(requests, |request| &*request.source))
            .bind(column(requests, |request| request.received_at))
            .bind(column(requests, |request| request.reason))
            .bind(column(requests, |request| headers_text(&request.headers)))
            .bind(column(requests, |request| &*request.body))
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }

    async fn prune_rejected(
        &self,
        source: &Name,
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(PRUNE_REJECTED)
            .bind(&**source)
            .bind(i64::from(budget.max_count))
            .bind(budget.max_bytes())
            .bind(budget.oldest(now))
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
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
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
        let rejections = rows.into_iter().map(StoredRejection::try_from);
        rejections.collect::<Result<_, _>>().map_err(store_error)
    }

    async fn remove_rejected(&self, ids: &[RejectedId]) -> Result<(), StoreError> {
        sqlx::query(REMOVE_REJECTED)
            .bind(column(ids, |id| id.0))
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }
}
