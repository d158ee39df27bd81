//! What is asked of a store about deliveries.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{
    DeliveryState, DeliverySummary, EventId, EventRecord, Name, Settlement, Timestamp,
};

/// Deliveries: claimed by lease, worked on without a transaction, and settled.
///
/// A lease is counted by the database's clock. While it runs, nobody else claims the delivery.
#[async_trait]
pub trait DeliveryStore {
    /// Takes a lease on deliveries of a sink that are due, those due longest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing is claimed then.
    async fn claim_deliveries(&self, claim: &Claim<'_>) -> Result<Vec<Claimed>, StoreError>;

    /// Lets leases run for another `term` from now, and tells which of them are still held.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn renew_leases(
        &self,
        held: &Held<'_>,
        term: Duration,
    ) -> Result<Vec<EventId>, StoreError>;

    /// Which of these leases are still held.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn held_leases(&self, held: &Held<'_>) -> Result<Vec<EventId>, StoreError>;

    /// Gives leases back: the deliveries are due again at once.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn release_leases(&self, held: &Held<'_>) -> Result<(), StoreError>;

    /// Gives back the leases of a receiver that ended without doing so, where no other can be running:
    /// on an embedded database. Tells how many there were.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn release_orphaned_leases(&self) -> Result<u64, StoreError>;

    /// Records what became of deliveries, and the attempts, in one transaction.
    ///
    /// A success counts whoever holds the lease, and even if somebody else has given up meanwhile; anything else
    /// counts only while `holder` has the lease. A delivery is to occur once among `settlements`. An attempt is
    /// recorded whether it counts or not, and once however often it is given.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing is recorded then.
    async fn settle_deliveries(
        &self,
        holder: &str,
        settlements: &[Settlement],
    ) -> Result<(), StoreError>;

    /// The newest deliveries that pass the filter, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<DeliverySummary>, StoreError>;

    /// How many deliveries pass the filter.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn count_deliveries(&self, filter: &DeliveryFilter) -> Result<u64, StoreError>;

    /// Makes the newest `limit` deliveries that pass the filter pending again and due at once, and gives
    /// their ids. Those that are being delivered are left alone.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn retry_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError>;

    /// Cancels the newest `limit` pending deliveries that pass the filter, and gives their ids.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn cancel_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
        reason: &str,
    ) -> Result<Vec<i64>, StoreError>;

    /// Makes events deliver to a sink again, or for the first time. What is pending stays as it is.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; nothing of the batch is replayed then.
    async fn replay_deliveries(&self, sink: &Name, replays: &[Replay]) -> Result<u64, StoreError>;

    /// How many deliveries are pending for each sink, configured or not.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn pending_deliveries(&self) -> Result<Vec<Pending>, StoreError>;

    /// Tells all receivers on this database that deliveries of these sinks are due.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    async fn announce(&self, sinks: &[Name]) -> Result<(), StoreError>;

    /// Listens for what others [`announce`](Self::announce).
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    async fn announcements(&self) -> Result<Box<dyn Announcements>, StoreError>;
}

/// What others announce.
#[async_trait]
pub trait Announcements: Send {
    /// Waits for the next announcement: the name of a sink that has deliveries due. `None` means that
    /// some may have been missed.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    async fn next(&mut self) -> Result<Option<String>, StoreError>;
}

/// What to claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Who claims.
    pub holder: &'a str,
    /// For how long.
    pub term: Duration,
    /// Of which sink.
    pub sink: &'a Name,
    /// Those that have failed or are replayed, or else the fresh ones.
    pub backlog: bool,
    /// Only where nothing earlier about the same thing is pending.
    pub in_order: bool,
    /// At most so many.
    pub limit: u32,
    /// Bodies that add up to at most so many bytes, and one body more.
    pub max_bytes: u64,
}

/// A delivery that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// How many times it was tried before.
    pub attempts: u32,
    /// The event, whole.
    pub event: EventRecord,
}

/// Deliveries of one sink that somebody has leases on.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// Who has the leases.
    pub holder: &'a str,
    /// The sink.
    pub sink: &'a Name,
    /// The events.
    pub events: &'a [EventId],
}

/// An event that is to be delivered to a sink again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The event.
    pub event: EventId,
    /// What it is about, for a sink that wants order.
    pub order_key: Option<String>,
    /// How long to wait before.
    pub delay: Duration,
}

/// Which deliveries are meant; an empty field lets all pass.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only this one (`deliveries.id`).
    pub id: Option<i64>,
    /// Only to this sink.
    pub sink: Option<String>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this event.
    pub event: Option<EventId>,
    /// Only of events of this type.
    pub event_type: Option<String>,
    /// Only of events received at or after this time.
    pub since: Option<Timestamp>,
    /// Only of events received before this time.
    pub until: Option<Timestamp>,
    /// Only with an id below this one: the next page.
    pub before: Option<i64>,
}

/// What is pending for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The sink's name, as it stands in `deliveries.sink`.
    pub sink: String,
    /// So many.
    pub count: u64,
    /// Since when the oldest of them is.
    pub oldest: Timestamp,
}
