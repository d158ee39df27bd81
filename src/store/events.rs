//! What is asked of a store about events.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{EventId, EventRecord, EventSummary, Insertion, NewEvent, Timestamp};

/// Events: each is stored once, and read back.
#[async_trait]
pub trait EventStore {
    /// Makes a batch durable in one transaction, and tells for each event, in the order given,
    /// whether it was stored or is a duplicate.
    ///
    /// The first body with a (`source`, `delivery_id`) wins, within the batch too; another body under
    /// the same id is kept in `event_conflicts`. A new event's deliveries are committed with it.
    ///
    /// # Errors
    ///
    /// Nothing of the batch is stored, or (when the connection broke during the commit) it is unknown
    /// whether it is. [`StoreError::Refused`] means that one of the rows is to blame.
    async fn insert_events(&self, events: &[NewEvent]) -> Result<Vec<Insertion>, StoreError>;

    /// The newest events that pass the filter, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn list_events(&self, filter: &EventFilter) -> Result<Vec<EventSummary>, StoreError>;

    /// The oldest events that pass the filter, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn list_events_forward(
        &self,
        filter: &EventFilter,
    ) -> Result<Vec<EventSummary>, StoreError>;

    /// One event, whole.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn find_event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError>;

    /// So many events, whole, by id from after this one; fewer where their bodies add up to more than
    /// `max_bytes` and one body more.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn read_events(
        &self,
        after: EventId,
        limit: u32,
        max_bytes: u64,
    ) -> Result<Vec<EventRecord>, StoreError>;
}

/// Which events [`EventStore::list_events`] gives; an empty field lets all pass.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only of this event type.
    pub event_type: Option<String>,
    /// Only received at or after this time.
    pub since: Option<Timestamp>,
    /// Only received before this time.
    pub until: Option<Timestamp>,
    /// Only those with a problem.
    pub problems_only: bool,
    /// Only with an id below this one: the next page.
    pub before: Option<EventId>,
    /// Only with an id above this one: the next page going forward.
    pub after: Option<EventId>,
    /// At most so many.
    pub limit: u32,
}
