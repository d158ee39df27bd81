//! Proves that events, deliveries and typed tables tell one story.

mod finding;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, sleep};

pub use self::finding::Finding;
use super::{project, rebuild};
use crate::{
    domain::{EventId, EventRecord, Key, Name, Rows, Table, Timestamp},
    providers::{Journal, journals},
    store::{Difference, EventFilter, JournalTally, Store, StoreError, Tally},
};

/// Where a sample is taken: so many events at each of so many places.
const PLACES: i64 = 20;
const EVENTS: u32 = 50;

/// Bodies of a sample that are in memory at once.
const BYTES: u64 = 16 * 1024 * 1024;

/// How long what is under way is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The sinks that are configured with the types that each wants, or `None` where it wants all. The typed tables
    /// are among them when they are filled.
    pub sinks: BTreeMap<String, Option<BTreeSet<String>>>,
    /// Whether the typed tables are filled.
    pub with_tables: bool,
    /// What was due before this time is late.
    pub late_before: Timestamp,
    /// Whether to work out all rows again and compare every column.
    pub full: bool,
}

/// Looks at everything. The database is only read, but for a full comparison, which fills tables beside the typed
/// tables and removes them.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn audit(store: &dyn Store, scope: &Scope) -> Result<Vec<Finding>, StoreError> {
    let orphaned = store.orphaned_deliveries().await?;
    let mut findings = vec![
        Finding::none("every delivery has its event", &orphaned, "delivery").remedy(
            "somebody has changed the table deliveries: restore the events, or delete these rows",
        ),
    ];
    findings.extend(deliveries(store, scope).await?);
    findings.extend(unrouted(store, scope).await?);
    if scope.with_tables {
        for journal in journals() {
            let tally = store.journal(journal.provider, journal.table).await?;
            findings.extend(of_journal(journal, &tally));
        }
        findings.push(sample(store).await?);
        if scope.full {
            findings.extend(compare(store).await?);
        }
    } else {
        let what = "not looked at: the typed tables, as tables.enabled is false";
        findings.push(Finding::counted(what, &Tally::default(), ""));
    }
    Ok(findings)
}

async fn deliveries(store: &dyn Store, scope: &Scope) -> Result<Vec<Finding>, StoreError> {
    let mut late: BTreeMap<String, Tally> = BTreeMap::new();
    late.extend(
        scope
            .sinks
            .keys()
            .map(|sink| (sink.clone(), Tally::default())),
    );
    late.extend(store.overdue_deliveries(scope.late_before).await?);
    let mut findings = Vec::new();
    for (sink, tally) in &late {
        let what = format!("nothing for the sink {sink} is pending past its time");
        let finding = Finding::none(&what, tally, "delivery");
        findings.push(if scope.sinks.contains_key(sink) {
            finding.remedy(&format!(
                "is `serve` running, and does the sink answer? see `deliveries list --state pending --sink {sink}`"
            ))
        } else {
            finding.remedy(&format!(
                "no such sink is configured: `deliveries cancel --sink {sink}`, or configure it again"
            ))
        });
    }
    for (sink, tally) in store.dead_deliveries().await? {
        let what = format!("given up for the sink {sink}");
        findings.push(Finding::counted(&what, &tally, "delivery").remedy(&format!(
            "see `deliveries list --state dead --sink {sink}`, then `deliveries retry --sink {sink}`"
        )));
    }
    Ok(findings)
}

/// What the typed tables have not got is looked at more closely elsewhere.
async fn unrouted(store: &dyn Store, scope: &Scope) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for (sink, types) in &scope.sinks {
        if **sink == *Name::tables() {
            continue;
        }
        let tally = store.unrouted_events(sink, types.as_ref()).await?;
        let what = format!("without a delivery for the sink {sink}, since the first that has one");
        findings.push(Finding::counted(&what, &tally, "event").remedy(&format!(
            "{sink} was not configured then, or wanted other types; to deliver them: `replay --sink {sink}`"
        )));
    }
    Ok(findings)
}

fn of_journal(Journal { table, provider }: Journal, tally: &JournalTally) -> [Finding; 5] {
    let name = table.name;
    let rebuild = "huntr-receiver rebuild";
    [
        Finding::counted(&format!("events of {provider}"), &tally.events, "event"),
        Finding::none(
            &format!("every event has a row in {name}, or a delivery that will write it"),
            &tally.untold,
            "event",
        )
        .remedy(rebuild),
        Finding::none(
            &format!("every delivery to {name} that is over has left a row"),
            &tally.unwritten,
            "event",
        )
        .remedy(rebuild),
        Finding::none(
            &format!("every row in {name} names the event it is of"),
            &tally.mistaken,
            "event",
        )
        .remedy(rebuild),
        Finding::counted(
            &format!("rows in {name} kept after their event was removed"),
            &tally.kept,
            "event",
        ),
    ]
}

/// Whether what some events say has rows in all tables.
async fn sample(store: &dyn Store) -> Result<Finding, StoreError> {
    let newest = EventFilter {
        limit: 1,
        ..EventFilter::default()
    };
    let newest = store.list_events(&newest).await?;
    let newest = newest.first().map_or(0, |event| event.id.0);
    let (mut missing, mut example, mut after) = (0, None, -1);
    for place in 0..PLACES {
        after = after.max(newest / PLACES * place);
        let events = store.read_events(EventId(after), EVENTS, BYTES).await?;
        after = events.last().map_or(after, |event| event.summary.id.0);
        for (table, key) in missing_rows(store, &events).await? {
            missing += 1;
            example.get_or_insert(format!("{} {}", table.name, key.join(" ")));
        }
    }
    let tally = Tally {
        count: missing,
        example: None,
    };
    let what = "what a sample of the events speaks of is in the typed tables";
    let finding = Finding::none(what, &tally, "").remedy("huntr-receiver rebuild");
    Ok(Finding { example, ..finding })
}

/// The rows of one event are written together: where it has its own, the others are there.
async fn missing_rows(
    store: &dyn Store,
    events: &[EventRecord],
) -> Result<Vec<(&'static Table, Key)>, StoreError> {
    let mut written: BTreeSet<Key> = BTreeSet::new();
    for journal in journals() {
        let keys = events.iter().map(|event| {
            let summary = &event.summary;
            vec![summary.source.clone(), summary.delivery_id.clone()]
        });
        let keys: Vec<Key> = keys.collect();
        written.extend(store.known_keys(journal.table, &keys).await?);
    }
    let mut rows = Rows::default();
    for event in events {
        let summary = &event.summary;
        if written.contains(&vec![summary.source.clone(), summary.delivery_id.clone()]) {
            rows.extend(project(event).into_iter().flatten());
        }
    }
    let mut missing = Vec::new();
    for (table, rows) in rows.into_tables() {
        let keys: Vec<Key> = rows.into_keys().collect();
        let known: BTreeSet<Key> = store.known_keys(table, &keys).await?.into_iter().collect();
        let lacking = keys.into_iter().filter(|key| !known.contains(key));
        missing.extend(lacking.map(|key| (table, key)));
    }
    Ok(missing)
}

/// Works out all rows again, aside, and compares them at one moment.
async fn compare(store: &dyn Store) -> Result<Vec<Finding>, StoreError> {
    let mut aside = store.rebuild(rebuild::plan(true)).await?;
    rebuild::fill(store, &mut *aside, &|_| ()).await?;
    rebuild::catch_up(&mut *aside).await?;
    let unapplied = settled(store, aside.progress().last).await?;
    if unapplied.count > 0 {
        aside.finish().await?;
        let what =
            "still to be written into the typed tables, so that their rows could not be compared";
        return Ok(vec![Finding::counted(what, &unapplied, "event").remedy(
            "run it again when `deliveries list --sink tables` has nothing that is pending",
        )]);
    }
    let differences = aside.compare().await?;
    aside.finish().await?;
    Ok(differences.into_iter().map(different).collect())
}

/// Waits a while until the events up to this one are written. Those that are not then are given.
async fn settled(store: &dyn Store, last: EventId) -> Result<Tally, StoreError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let unapplied = store.unapplied_events(last).await?;
        if unapplied.count == 0 || Instant::now() >= until {
            return Ok(unapplied);
        }
        sleep(PAUSE).await;
    }
}

fn different(difference: Difference) -> Finding {
    let tally = Tally {
        count: difference.rows,
        example: None,
    };
    let what = format!("every row in {} says what its events say", difference.table);
    let finding = Finding::none(&what, &tally, "").remedy("huntr-receiver rebuild");
    Finding {
        example: difference.example,
        ..finding
    }
}
