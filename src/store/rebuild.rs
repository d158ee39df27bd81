//! What is asked of a store to fill the typed tables again, aside, and to exchange them.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{EventId, EventRecord, Key, Rows, Said, Table, Timestamp};

/// What is to be filled again, and how.
#[derive(Debug, Clone)]
pub struct RebuildPlan {
    /// The tables.
    pub tables: Vec<&'static Table>,
    /// What an event says of their rows.
    pub project: fn(&EventRecord) -> Option<Vec<Said>>,
    /// Whose work it is: only the same version goes on with it.
    pub version: &'static str,
    /// Whether to begin anew where one was interrupted.
    pub restart: bool,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    /// When it began.
    pub started_at: Timestamp,
    /// The last event that was read.
    pub last: EventId,
    /// How many events were read.
    pub events: u64,
    /// Whether it was interrupted before.
    pub resumed: bool,
}

/// What was taken over at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// So many events.
    pub events: u64,
    /// Whether there may be more.
    pub is_full: bool,
}

impl Portion {
    pub(super) fn of(events: usize, most: i64) -> Self {
        let events = events as u64;
        Self {
            events,
            is_full: events >= most.unsigned_abs(),
        }
    }
}

/// What became of an attempt to exchange the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// They are exchanged.
    Done,
    /// Somebody reads them for long; nothing was changed, and nobody was held up.
    Busy,
}

/// A rebuild that runs: tables beside the typed tables, which nobody else writes.
///
/// From its beginning to the exchange the store notes every event that is applied to the typed tables. An event
/// that was applied before was committed before, so reading `events` finds it.
#[async_trait]
pub trait Rebuild: Send {
    /// How far it is.
    fn progress(&self) -> RebuildProgress;

    /// Joins rows into the tables aside: those of so many events more, up to `last`. Some are written later; the
    /// progress that outlives an interruption is that of what is written.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn fill(&mut self, rows: Rows, last: EventId, events: u64) -> Result<(), StoreError>;

    /// Brings the tables aside into the state in which they are exchanged: indexes, statistics.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn prepare(&mut self) -> Result<(), StoreError>;

    /// Takes over a portion of what was applied to the typed tables meanwhile.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn catch_up(&mut self) -> Result<Portion, StoreError>;

    /// Takes over the rest and exchanges the tables, in one transaction that nothing is applied beside.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; the typed tables are as they were then.
    async fn exchange(&mut self) -> Result<Exchange, StoreError>;

    /// Removes what is left of the old tables, and gives up what was begun and not exchanged.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    async fn finish(self: Box<Self>) -> Result<(), StoreError>;

    /// Compares the tables aside with the typed tables at one moment, after taking over the rest: for each
    /// table, how many rows are missing, are there for no reason, or say something else.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn compare(&mut self) -> Result<Vec<Difference>, StoreError>;
}

/// How a typed table differs from what the events say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// How many rows differ.
    pub rows: u64,
    /// The key of one of them.
    pub example: Option<String>,
}

/// A part of the keys of a table that has a row for each event.
#[derive(Debug)]
pub struct KeptKeys {
    /// Those whose event is no more.
    pub kept: Vec<Key>,
    /// The last one that was looked at; none where there are no more.
    pub last: Option<Key>,
}
