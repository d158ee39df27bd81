//! What the database holds of what was sent.

use std::collections::{HashMap, HashSet};

use tokio::time::{Duration, Instant, sleep};

use super::account::Account;
use crate::{fanout::database::Database, support::Setup};

/// All of it, read when everything has settled.
pub(super) struct Books {
    pub(super) events: Vec<Stored>,
    /// Other bodies under the ids of events.
    pub(super) conflicts: HashMap<i64, Vec<Vec<u8>>>,
    pub(super) deliveries: HashMap<i64, Vec<Delivery>>,
}

/// An event.
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) source: String,
    pub(super) delivery_id: String,
    pub(super) event_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Where it goes, and whether it has arrived.
pub(super) struct Delivery {
    pub(super) sink: String,
    pub(super) state: String,
}

/// Without any progress for so long, what is pending has been forgotten. A sink that was down is looked at once a
/// minute.
const FORGOTTEN: Duration = Duration::from_secs(100);
/// Without any news for so long, there is nothing more on its way.
const QUIET: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);
/// Bodies that are read at once.
const ROWS: i64 = 1000;

/// Waits until everything acknowledged is in the database, nothing is pending and nothing more comes in; or until
/// nothing moves any more.
pub(super) async fn settle(setup: &Setup, account: &Account) {
    let mut database = Database::of(setup).await;
    let acknowledged = account
        .sent
        .iter()
        .filter(|(_, sent)| sent.is_acknowledged());
    let acknowledged: Vec<_> = acknowledged.map(|(key, _)| key).collect();
    let (mut before, mut moved) = ((usize::MAX, 0), Instant::now());
    loop {
        let stored: Vec<(String, String)> = database
            .rows("select source, delivery_id from events")
            .await;
        let stored: HashSet<_> = stored.into_iter().collect();
        let missing = acknowledged
            .iter()
            .filter(|(source, id)| !stored.contains(&((*source).to_owned(), id.clone())));
        let pending = "select count(*) from deliveries where state = 'pending'";
        let pending = usize::try_from(database.number(pending).await).expect("a count");
        let left = missing.count() + pending;
        if (left, stored.len()) != before {
            (before, moved) = ((left, stored.len()), Instant::now());
        }
        // What nobody was told of may come in behind what was acknowledged.
        let patience = if left == 0 { QUIET } else { FORGOTTEN };
        if moved.elapsed() > patience {
            return;
        }
        sleep(LOOK).await;
    }
}

impl Books {
    pub(super) async fn of(setup: &Setup) -> Self {
        let mut database = Database::of(setup).await;
        let mut events = Vec::new();
        while let Some(more) = more_events(&mut database, events.last()).await {
            events.extend(more);
        }
        let rows: Vec<(i64, Vec<u8>)> = database
            .rows("select event_id, body from event_conflicts")
            .await;
        let mut conflicts: HashMap<_, Vec<_>> = HashMap::new();
        for (event, body) in rows {
            conflicts.entry(event).or_default().push(body);
        }
        let rows: Vec<(i64, String, String)> = database
            .rows("select event_id, sink, state from deliveries")
            .await;
        let mut deliveries: HashMap<_, Vec<_>> = HashMap::new();
        for (event, sink, state) in rows {
            deliveries
                .entry(event)
                .or_default()
                .push(Delivery { sink, state });
        }
        Self {
            events,
            conflicts,
            deliveries,
        }
    }
}

type EventRow = (i64, String, String, Option<String>, Vec<u8>);

async fn more_events(database: &mut Database, last: Option<&Stored>) -> Option<Vec<Stored>> {
    let after = last.map_or(i64::MIN, |event| event.id);
    let sql = format!(
        "select id, source, delivery_id, event_type, body from events where id > {after} order by id limit {ROWS}"
    );
    let rows: Vec<EventRow> = database.rows(&sql).await;
    let events = rows
        .into_iter()
        .map(|(id, source, delivery_id, event_type, body)| Stored {
            id,
            source,
            delivery_id,
            event_type,
            body,
        });
    let events: Vec<_> = events.collect();
    (!events.is_empty()).then_some(events)
}
