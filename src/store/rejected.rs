//! What is asked of a store about refused requests, and how much of them is kept.

use std::time::Duration;

use async_trait::async_trait;
use bytesize::ByteSize;
use chrono::TimeDelta;
use serde::Deserialize;

use super::StoreError;
use crate::{
    domain::{Name, RejectedId, RejectedRequest, StoredRejection, Timestamp},
    units,
};

/// Refused requests, kept aside within a budget for each source.
#[async_trait]
pub trait RejectedStore {
    /// Keeps refused requests aside; what that leaves over the budget stays until it is pruned.
    ///
    /// # Errors
    ///
    /// When the database does not take them.
    async fn keep_rejected(&self, requests: &[RejectedRequest]) -> Result<(), StoreError>;

    /// Removes what is over the `budget` of a source, its oldest requests first.
    ///
    /// # Errors
    ///
    /// When the database does not take it.
    async fn prune_rejected(
        &self,
        source: &Name,
        budget: &RejectedBudget,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Up to `limit` refused requests of a source with ids above `after`, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn list_rejected(
        &self,
        source: &Name,
        after: RejectedId,
        limit: u32,
    ) -> Result<Vec<StoredRejection>, StoreError>;

    /// Removes refused requests that have become events.
    ///
    /// # Errors
    ///
    /// When the database does not take it.
    async fn remove_rejected(&self, ids: &[RejectedId]) -> Result<(), StoreError>;
}

/// `[rejected_requests]`: how much is kept aside for each source. What is over it goes, oldest first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedBudget {
    /// Rows.
    pub max_count: u32,
    /// Bytes of their bodies and headers, added up.
    pub max_size: ByteSize,
    /// Time since they arrived.
    #[serde(deserialize_with = "units::timeout")]
    pub max_age: Duration,
}

impl RejectedBudget {
    pub(super) fn max_bytes(&self) -> i64 {
        i64::try_from(self.max_size.as_u64()).unwrap_or(i64::MAX)
    }

    /// What arrived earlier is too old; `None` when nothing can be.
    pub(super) fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        now.checked_sub_signed(TimeDelta::from_std(self.max_age).ok()?)
    }
}
