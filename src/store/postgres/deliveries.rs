//! Deliveries in PostgreSQL: what is asked, and the files that answer.

use std::time::Duration;

use async_trait::async_trait;

use super::{PostgresStore, announcements, leases, selection, settle};
use crate::{
    domain::{DeliverySummary, EventId, Name, Settlement},
    store::{
        Announcements, Claim, Claimed, DeliveryFilter, DeliveryStore, Held, Pending, Replay,
        StoreError,
    },
};

#[async_trait]
impl DeliveryStore for PostgresStore {
    async fn claim_deliveries(&self, claim: &Claim<'_>) -> Result<Vec<Claimed>, StoreError> {
        leases::claim(&self.pool, claim).await
    }

    async fn renew_leases(
        &self,
        held: &Held<'_>,
        term: Duration,
    ) -> Result<Vec<EventId>, StoreError> {
        leases::renew(&self.pool, held, term).await
    }

    async fn held_leases(&self, held: &Held<'_>) -> Result<Vec<EventId>, StoreError> {
        leases::held(&self.pool, held).await
    }

    async fn release_leases(&self, held: &Held<'_>) -> Result<(), StoreError> {
        leases::release(&self.pool, held).await
    }

    /// Other receivers may be running: theirs run out by themselves.
    async fn release_orphaned_leases(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn settle_deliveries(
        &self,
        holder: &str,
        settlements: &[Settlement],
    ) -> Result<(), StoreError> {
        settle::settle(&self.pool, holder, settlements).await
    }

    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<DeliverySummary>, StoreError> {
        selection::list(&self.pool, filter, limit).await
    }

    async fn count_deliveries(&self, filter: &DeliveryFilter) -> Result<u64, StoreError> {
        selection::count(&self.pool, filter).await
    }

    async fn retry_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        selection::retry(&self.pool, filter, limit).await
    }

    async fn cancel_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
        reason: &str,
    ) -> Result<Vec<i64>, StoreError> {
        selection::cancel(&self.pool, filter, limit, reason).await
    }

    async fn replay_deliveries(&self, sink: &Name, replays: &[Replay]) -> Result<u64, StoreError> {
        selection::replay(&self.pool, sink, replays).await
    }

    async fn pending_deliveries(&self) -> Result<Vec<Pending>, StoreError> {
        selection::pending(&self.pool).await
    }

    async fn announce(&self, sinks: &[Name]) -> Result<(), StoreError> {
        announcements::announce(&self.pool, sinks).await
    }

    async fn announcements(&self) -> Result<Box<dyn Announcements>, StoreError> {
        Ok(Box::new(announcements::listen(self.options.clone()).await?))
    }
}
