//! Proves that events, deliveries and typed tables tell one story.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{project, rebuild};
use crate::{
    domain::{EventId, EventRecord, Key, Rows, Table, Timestamp},
    providers::{Journal, journals},
    store::{Difference, EventFilter, JournalTally, Store, StoreError, Tally},
};

/// Where a sample is taken: so many events at each of so many places.
const PLACES: i64 = 20;
const EVENTS: u32 = 50;

/// Bodies of a sample that are in memory at once.
const BYTES: u64 = 16 * 1024 * 1024;

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The sinks that are configured, the typed tables among them when they are filled.
    pub sinks: BTreeSet<String>,
    /// Whether the typed tables are filled.
    pub with_tables: bool,
    /// What was due before this time is late.
    pub late_before: Timestamp,
    /// Whether to work out all rows again and compare every column.
    pub full: bool,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What should be so.
    pub what: String,
    /// Whether it is.
    pub ok: bool,
    /// How many there are of what was looked for.
    pub count: u64,
    /// One of them, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
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
    if scope.with_tables {
        for journal in journals() {
            let tally = store.journal(journal.provider, journal.table).await?;
            findings.extend(of_journal(journal, &tally));
        }
        findings.push(sample(store).await?);
        if scope.full {
            findings.extend(compare(store).await?);
        }
    }
    Ok(findings)
}

impl Finding {
    /// There should be none.
    fn none(what: &str, tally: &Tally, of: &str) -> Self {
        Self {
            ok: tally.count == 0,
            ..Self::counted(what, tally, of)
        }
    }

    /// There may be some.
    fn counted(what: &str, tally: &Tally, of: &str) -> Self {
        Self {
            what: what.to_owned(),
            ok: true,
            count: tally.count,
            example: tally.example.map(|id| format!("{of} {id}")),
            remedy: None,
        }
    }

    fn remedy(self, remedy: &str) -> Self {
        let remedy = (self.count > 0).then(|| remedy.to_owned());
        Self { remedy, ..self }
    }
}

async fn deliveries(store: &dyn Store, scope: &Scope) -> Result<Vec<Finding>, StoreError> {
    let mut late: BTreeMap<String, Tally> = BTreeMap::new();
    late.extend(
        scope
            .sinks
            .iter()
            .map(|sink| (sink.clone(), Tally::default())),
    );
    late.extend(store.overdue_deliveries(scope.late_before).await?);
    let mut findings = Vec::new();
    for (sink, tally) in &late {
        let what = format!("nothing for the sink {sink} is pending past its time");
        let finding = Finding::none(&what, tally, "delivery");
        findings.push(if scope.sinks.contains(sink) {
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
            rows.join(project(event));
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
    let differences = aside.compare().await?;
    aside.finish().await?;
    Ok(differences.into_iter().map(different).collect())
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
