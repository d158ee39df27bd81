//! Fills the typed tables again from the events, while everything else goes on.

use std::{pin::pin, time::Duration};

use futures_util::{Stream, TryStreamExt, stream};
use serde_json::{Map, Value};
use tokio::{task::spawn_blocking, time::sleep};

use super::project;
use crate::{
    domain::{EventId, EventRecord, Rows},
    providers::{Journal, journals, tables},
    store::{Exchange, Rebuild, RebuildPlan, Store, StoreError},
};

/// Events that are read at once.
const PAGE: u32 = 4000;
const PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// Pages that are worked out at once.
const AT_ONCE: usize = 3;

/// Keys that are looked at in one go, for those without an event, and rows that are read at once of these.
const KEPT_PAGE: u32 = 10_000;
const KEPT_PORTION: usize = 128;

/// How often the exchange is tried while somebody reads the tables for long.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(5);

/// What was done, or is so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events that were read.
    pub events: u64,
    /// Whether it was interrupted, and has gone on where it was.
    pub resumed: bool,
    /// Rows whose events have been removed, and that stay.
    pub kept: u64,
    /// Events that were applied meanwhile, and taken over.
    pub caught_up: u64,
}

/// Why the tables are not filled again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody reads the tables without end.
    #[error(
        "the new tables are ready, but the old ones are being read all the time by queries of many seconds; \
         run it again when these have ended, it goes on where it was"
    )]
    Busy,
    /// The old tables are not removed yet.
    #[error(
        "the typed tables are new, but what is left of the old ones could not be removed; the next rebuild does it"
    )]
    Unclean(#[source] StoreError),
}

/// What is to be rebuilt, and by whom.
#[must_use]
pub fn plan(restart: bool) -> RebuildPlan {
    RebuildPlan {
        tables: tables().collect(),
        project,
        version: env!("CARGO_PKG_VERSION"),
        restart,
    }
}

/// Fills the typed tables again and exchanges them. What was interrupted goes on where it was.
///
/// # Errors
///
/// The typed tables are as they were, but for [`RebuildError::Unclean`], and unless the connection broke in the very
/// moment of the exchange.
pub async fn rebuild(
    store: &dyn Store,
    restart: bool,
    report: &(dyn Fn(Rebuilt) + Sync),
) -> Result<Rebuilt, RebuildError> {
    let mut rebuild = store.rebuild(plan(restart)).await?;
    let mut done = fill(store, &mut *rebuild, report).await?;
    rebuild.prepare().await?;
    for _ in 0..TRIES {
        done.caught_up += catch_up(&mut *rebuild).await?;
        report(done);
        if rebuild.exchange().await? == Exchange::Done {
            rebuild.finish().await.map_err(RebuildError::Unclean)?;
            return Ok(done);
        }
        sleep(PAUSE).await;
    }
    Err(RebuildError::Busy)
}

/// Fills the tables aside with all there is.
pub(super) async fn fill(
    store: &dyn Store,
    rebuild: &mut dyn Rebuild,
    report: &(dyn Fn(Rebuilt) + Sync),
) -> Result<Rebuilt, StoreError> {
    let begun = rebuild.progress();
    let mut done = Rebuilt {
        events: begun.events,
        resumed: begun.resumed,
        ..Rebuilt::default()
    };
    report(done);
    let mut pages = pin!(
        pages(store, begun.last)
            .map_ok(work_out)
            .try_buffered(AT_ONCE)
    );
    while let Some(Page { rows, last, events }) = pages.try_next().await? {
        rebuild.fill(rows, last, events).await?;
        done.events += events;
        report(done);
    }
    let last = rebuild.progress().last;
    for journal in journals() {
        done.kept += keep(store, rebuild, journal, last).await?;
        report(done);
    }
    Ok(done)
}

/// Takes over what was applied meanwhile, until nothing is left but what comes in this very moment.
pub(super) async fn catch_up(rebuild: &mut dyn Rebuild) -> Result<u64, StoreError> {
    let mut caught_up = 0;
    loop {
        let portion = rebuild.catch_up().await?;
        caught_up += portion.events;
        if !portion.is_full {
            return Ok(caught_up);
        }
    }
}

/// All events after one, by their ids.
fn pages(
    store: &dyn Store,
    after: EventId,
) -> impl Stream<Item = Result<Vec<EventRecord>, StoreError>> {
    stream::try_unfold(after, async |after| {
        let events = store.read_events(after, PAGE, PAGE_BYTES).await?;
        let last = events.last().map(|event| event.summary.id);
        Ok(last.map(|last| (events, last)))
    })
}

/// What a page of events says.
struct Page {
    rows: Rows,
    last: EventId,
    events: u64,
}

/// Joins what events say, on a thread that may block.
async fn work_out(events: Vec<EventRecord>) -> Result<Page, StoreError> {
    let count = events.len() as u64;
    let last = events.last().map_or(EventId(0), |event| event.summary.id);
    let rows = spawn_blocking(move || {
        let mut rows = Rows::default();
        rows.extend(events.iter().filter_map(project).flatten());
        rows
    });
    Ok(Page {
        // The thread ends early only when the program does.
        rows: rows.await.unwrap_or_default(),
        last,
        events: count,
    })
}

/// Keeps the rows whose events have been removed, and what these events said of other rows.
async fn keep(
    store: &dyn Store,
    rebuild: &mut dyn Rebuild,
    journal: Journal,
    last: EventId,
) -> Result<u64, StoreError> {
    let mut count = 0;
    let mut after = None;
    loop {
        let keys = store
            .kept_keys(journal.table, after.as_ref(), KEPT_PAGE)
            .await?;
        for keys in keys.kept.chunks(KEPT_PORTION) {
            let mut rows = Rows::default();
            for row in store.typed_rows(journal.table, keys).await? {
                if let Some(event) = recall(journal, &row) {
                    rows.extend(project(&event).into_iter().flatten());
                    count += 1;
                }
            }
            rebuild.fill(rows, last, 0).await?;
        }
        if keys.last.is_none() {
            return Ok(count);
        }
        after = keys.last;
    }
}

fn recall(journal: Journal, row: &str) -> Option<EventRecord> {
    let row: Map<String, Value> = serde_json::from_str(row).ok()?;
    journal.recall(&row)
}
