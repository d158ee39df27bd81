//! What is asked of a store to prove the ledger: whether its tables tell one story. Nothing is changed.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{EventId, Table, Timestamp};

/// Proves the ledger. Each question is answered at one moment, so that what is under way contradicts nothing.
#[async_trait]
pub trait AuditStore {
    /// Deliveries whose event is not there.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn orphaned_deliveries(&self) -> Result<Tally, StoreError>;

    /// For each sink the deliveries that were due before this time, or whose lease was over then, and are still
    /// pending.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn overdue_deliveries(
        &self,
        before: Timestamp,
    ) -> Result<Vec<(String, Tally)>, StoreError>;

    /// For each sink the deliveries that were given up.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn dead_deliveries(&self) -> Result<Vec<(String, Tally)>, StoreError>;

    /// Events of these types, or of all, that have no delivery for a sink, since the first one that has.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn unrouted_events(
        &self,
        sink: &str,
        types: Option<&BTreeSet<String>>,
    ) -> Result<Tally, StoreError>;

    /// Events up to this one that are still to be written into the typed tables.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn unapplied_events(&self, last: EventId) -> Result<Tally, StoreError>;

    /// How the events of a provider and the table with a row for each of them agree.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn journal(
        &self,
        provider: &'static str,
        table: &'static Table,
    ) -> Result<JournalTally, StoreError>;
}

/// How many there are of something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The id of one of them.
    pub example: Option<i64>,
}

/// How the events of a provider and the table with a row for each of them agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalTally {
    /// Events that have a row or will have one.
    pub events: Tally,
    /// Events without a row and without a delivery that would write one.
    pub untold: Tally,
    /// Events without a row though their delivery is over: delivered, dead or cancelled.
    pub unwritten: Tally,
    /// Rows that name another event than the one they are of.
    pub mistaken: Tally,
    /// Rows whose event has been removed.
    pub kept: Tally,
}

pub(super) const ORPHANED: &str = "
select count(*), min(id) from deliveries
where not exists (select 1 from events where events.id = deliveries.event_id)";

/// By the indexes on what is pending.
pub(super) const OVERDUE: &str = "
select sink, cast(sum(count) as bigint), min(example)
from (
    select sink, count(*) as count, min(id) as example
    from deliveries where state = 'pending' and not backlog and next_attempt_at < $1 group by sink
    union all
    select sink, count(*) as count, min(id) as example
    from deliveries where state = 'pending' and backlog and next_attempt_at < $1 group by sink
) as lanes
group by sink
order by sink";

pub(super) const DEAD: &str = "select sink, count(*), min(id) from deliveries where state = 'dead' group by sink order by sink";

pub(super) const UNAPPLIED: &str = "
select count(*), min(event_id) from deliveries
where state = 'pending' and sink = 'tables' and event_id <= $1";

/// `{types}` is a condition on what is bound second.
pub(super) const UNROUTED: &str = "
select count(*), min(id) from events
where id > (select min(event_id) from deliveries where sink = $1)
  and ({types})
  and not exists (select 1 from deliveries where event_id = events.id and sink = $1)";

/// What is said of events and rows, in the order of [`JournalTally`].
pub(super) const JOURNAL: [&str; 5] = [
    "select count(*), min(id) from events where provider = $1",
    "
select count(*), min(events.id) from events
where provider = $1
  and not exists (select 1 from deliveries where event_id = events.id and sink = 'tables')
  and not exists (select 1 from {table} as told where told.source = events.source and told.id = delivery_id)",
    "
select count(*), min(events.id) from events
join deliveries on deliveries.event_id = events.id and sink = 'tables' and state <> 'pending'
where provider = $1
  and not exists (select 1 from {table} as told where told.source = events.source and told.id = delivery_id)",
    "
select count(*), min(events.id) from {table} as told
join events on events.source = told.source and events.delivery_id = told.id
where provider = $1 and told.event_id is distinct from events.id",
    "
select count(*), min(told.event_id) from {table} as told
where $1 <> ''
  and not exists (
      select 1 from events where events.source = told.source and events.delivery_id = told.id
  )",
];

pub(super) type TallyRow = (i64, Option<i64>);

pub(super) fn tally((count, example): TallyRow) -> Tally {
    Tally {
        count: count.unsigned_abs(),
        example,
    }
}

pub(super) fn by_sink(rows: Vec<(String, i64, Option<i64>)>) -> Vec<(String, Tally)> {
    let rows = rows.into_iter();
    rows.map(|(sink, count, example)| (sink, tally((count, example))))
        .collect()
}

pub(super) fn journal(tallies: [Tally; 5]) -> JournalTally {
    let [events, untold, unwritten, mistaken, kept] = tallies;
    JournalTally {
        events,
        untold,
        unwritten,
        mistaken,
        kept,
    }
}
