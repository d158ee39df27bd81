//! Deliveries in SQLite: what is asked, and the files that answer.

use std::time::Duration;

use async_trait::async_trait;

use super::{SqliteStore, leases, selection, settle};
use crate::{
    domain::{DeliverySummary, EventId, Name, Settlement},
    store::{
        Announcements, Claim, Claimed, DeliveryFilter, DeliveryStore, Held, Pending, Replay,
        StoreError,
    },
};

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn claim_deliveries(&self, claim: &Claim<'_>) -> Result<Vec<Claimed>, StoreError> {
        leases::claim(self, claim).await
    }

    async fn renew_leases(
        &self,
        held: &Held<'_>,
        term: Duration,
    ) -> Result<Vec<EventId>, StoreError> {
        leases::renew(&self.writer, held, term).await
    }

    async fn held_leases(&self, held: &Held<'_>) -> Result<Vec<EventId>, StoreError> {
        leases::held(&self.readers, held).await
    }

    async fn release_leases(&self, held: &Held<'_>) -> Result<(), StoreError> {
        leases::release(&self.writer, held).await
    }

    async fn release_orphaned_leases(&self) -> Result<u64, StoreError> {
        leases::release_all(&self.writer).await
    }

    async fn settle_deliveries(
        &self,
        holder: &str,
        settlements: &[Settlement],
    ) -> Result<(), StoreError> {
        settle::settle(&self.writer, holder, settlements).await
    }

    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<DeliverySummary>, StoreError> {
        selection::list(&self.readers, filter, limit).await
    }

    async fn count_deliveries(&self, filter: &DeliveryFilter) -> Result<u64, StoreError> {
        selection::count(&self.readers, filter).await
    }

    async fn retry_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        selection::retry(self, filter, limit).await
    }

    async fn cancel_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
        reason: &str,
    ) -> Result<Vec<i64>, StoreError> {
        selection::cancel(self, filter, limit, reason).await
    }

    async fn replay_deliveries(&self, sink: &Name, replays: &[Replay]) -> Result<u64, StoreError> {
        selection::replay(&self.writer, sink, replays).await
    }

    async fn pending_deliveries(&self) -> Result<Vec<Pending>, StoreError> {
        selection::pending(&self.readers).await
    }

    /// There is no other receiver; commands that run beside it are noticed by looking.
    async fn announce(&self, _: &[Name]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn announcements(&self) -> Result<Box<dyn Announcements>, StoreError> {
        Ok(Box::new(Silence))
    }
}

/// Nobody announces anything.
struct Silence;

#[async_trait]
impl Announcements for Silence {
    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        std::future::pending().await
    }
}
