//! What must be true in the end, whatever happened: the list of promises, and how each is looked at.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::task::block_in_place;

use super::{
    account::{Account, Sent},
    books::{Books, Delivery, Stored},
    mail::MARKER,
    receiver::Past,
    sinks::WANTED,
};
use crate::support::{KEY, SECRET, Setup, client, until};

/// A promise, and whom it is broken to.
type Broken = Vec<String>;

/// Long enough for a sink or database that was away to be looked at again.
const RECOVERY: Duration = Duration::from_secs(20);

/// kB: what the program itself takes, its buffers, and 6 MiB for each sink.
const MOST_MEMORY: u64 = 150 * 1024;

/// Every promise that was broken, with what it was broken by.
pub(super) async fn broken(
    setup: &Setup,
    account: &Account,
    taken: &HashMap<&'static str, HashMap<String, usize>>,
) -> Broken {
    let books = Books::of(setup).await;
    let mut broken = account.violations.clone();
    broken.extend(what_was_acknowledged_is_stored_once(account, &books));
    broken.extend(every_body_is_kept_as_it_came(account, &books));
    broken.extend(nothing_is_stored_that_was_not_authentic(account, &books));
    broken.extend(every_event_was_delivered_to_every_sink_that_wants_it(
        &books, taken,
    ));
    broken.extend(the_ledger_balances(setup, &[]));
    broken.extend(the_ledger_balances(setup, &["--full"]));
    broken.extend(a_rebuild_changes_nothing(setup));
    broken
}

/// A 200 is an event, and only one; and what the answers called it is what it is called.
fn what_was_acknowledged_is_stored_once(account: &Account, books: &Books) -> Broken {
    let mut ids: HashMap<_, Vec<i64>> = HashMap::new();
    for event in &books.events {
        let key = (event.source.as_str(), event.delivery_id.as_str());
        ids.entry(key).or_default().push(event.id);
    }
    let mut broken = Broken::new();
    for ((source, id), sent) in &account.sent {
        let stored = ids.get(&(*source, id.as_str()));
        let stored = stored.map_or(&[][..], Vec::as_slice);
        if sent.is_acknowledged() && stored.is_empty() {
            broken.push(format!("{source} {id} was acknowledged and is lost"));
        }
        if stored.len() > 1 {
            broken.push(format!("{source} {id} is stored as {stored:?}"));
        }
        if sent.stored > 1 {
            broken.push(format!("{source} {id} was new {} times", sent.stored));
        }
        if !sent.events.iter().all(|event| stored.contains(event)) {
            let said = &sent.events;
            broken.push(format!(
                "{source} {id} is {stored:?} and was told to be {said:?}"
            ));
        }
    }
    broken
}

/// Byte for byte: the first one as the event, every other acknowledged one beside it.
fn every_body_is_kept_as_it_came(account: &Account, books: &Books) -> Broken {
    let mut broken = Broken::new();
    for event in &books.events {
        let Some(sent) = sent(account, event) else {
            continue;
        };
        let beside = books.conflicts.get(&event.id);
        let beside = beside.map_or(&[][..], Vec::as_slice);
        for body in sent.bodies.iter().filter(|body| body.acknowledged) {
            let is_event = event.body == body.bytes;
            if body.is_first && !is_event {
                broken.push(format!(
                    "{} was stored with another body",
                    event.delivery_id
                ));
            } else if !is_event && !beside.iter().any(|kept| *kept == body.bytes) {
                broken.push(format!("{} has lost a body", event.delivery_id));
            }
        }
    }
    broken
}

/// Nothing of strangers, and no body that nobody has sent.
fn nothing_is_stored_that_was_not_authentic(account: &Account, books: &Books) -> Broken {
    let mut broken = Broken::new();
    for event in &books.events {
        let bodies = sent(account, event).map_or(&[][..], |sent| &sent.bodies);
        let beside = books.conflicts.get(&event.id).into_iter().flatten();
        for kept in beside.chain([&event.body]) {
            if !bodies.iter().any(|body| body.bytes == *kept) {
                broken.push(format!("nobody has sent {} so", event.delivery_id));
            }
        }
    }
    broken
}

/// Once on record, and taken by the sink at least as often as the record says.
fn every_event_was_delivered_to_every_sink_that_wants_it(
    books: &Books,
    taken: &HashMap<&'static str, HashMap<String, usize>>,
) -> Broken {
    let mut broken = Broken::new();
    for event in &books.events {
        let event_type = event.event_type.as_deref().unwrap_or_default();
        let wanting = WANTED
            .iter()
            .filter(|(_, types)| types.is_empty() || types.contains(&event_type));
        let mut wanting: Vec<_> = wanting.map(|(sink, _)| *sink).chain(["tables"]).collect();
        wanting.sort_unstable();
        let deliveries = books.deliveries.get(&event.id);
        let deliveries = deliveries.map_or(&[][..], Vec::as_slice);
        let mut routed: Vec<_> = deliveries
            .iter()
            .map(|delivery| delivery.sink.as_str())
            .collect();
        routed.sort_unstable();
        let id = &event.delivery_id;
        if routed != wanting {
            broken.push(format!("{id} goes to {routed:?}, not to {wanting:?}"));
        }
        for Delivery { sink, state } in deliveries {
            if state != "delivered" {
                broken.push(format!("{id} is {state} for {sink}"));
            } else if taken
                .get(sink.as_str())
                .is_some_and(|taken| !taken.contains_key(id))
            {
                broken.push(format!("{sink} never took {id}"));
            }
        }
    }
    broken
}

fn the_ledger_balances(setup: &Setup, arguments: &[&str]) -> Broken {
    let mut command = setup.command();
    command.args(["audit", "--json"]).args(arguments);
    let output = block_in_place(|| command.output()).expect("running it");
    let Ok(findings) = serde_json::from_slice::<Vec<Value>>(&output.stdout) else {
        let why = String::from_utf8_lossy(&output.stderr);
        return vec![format!("audit {arguments:?} did not work: {why}")];
    };
    let failed = findings.iter().filter(|finding| finding["ok"] != true);
    failed
        .map(|finding| format!("audit {arguments:?}: {finding}"))
        .collect()
}

/// The typed tables are what a fresh projection makes of the events.
fn a_rebuild_changes_nothing(setup: &Setup) -> Broken {
    let mut command = setup.command();
    let output = block_in_place(|| command.arg("rebuild").output()).expect("running it");
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return vec![format!("rebuild did not work: {why}")];
    }
    the_ledger_balances(setup, &["--full"])
}

/// The log holds nothing of bodies, people and secrets; memory has its bounds; who is to stop stops, and nobody else.
pub(super) fn broken_by_the_program(past: &Past) -> Broken {
    let mut broken = past.violations.clone();
    for secret in [MARKER, SECRET, KEY, "@example.com"] {
        if let Some(line) = past.log.lines().find(|line| line.contains(secret)) {
            broken.push(format!("the log tells {secret:?}: {line}"));
        }
    }
    if past.peak_memory > MOST_MEMORY {
        broken.push(format!("it took {} kB of memory", past.peak_memory));
    }
    broken
}

/// Once the faults are over, so is all that they have caused.
pub(super) async fn broken_by_what_lasts(address: SocketAddr) -> Broken {
    let client = client();
    let recovering = until(async || {
        let ready = client.get(format!("http://{address}/ready")).send().await;
        let said: Value = ready.ok()?.json().await.ok()?;
        (said["database"] == "up" && said["spool"] == "up").then_some(())
    });
    let recovered = tokio::time::timeout(RECOVERY, recovering).await;
    let lasts = recovered
        .is_err()
        .then(|| "it does not use its database again".to_owned());
    lasts.into_iter().collect()
}

/// It starts without its server, and waits for it. An embedded database has to be there.
pub(super) fn broken_by_its_starts(past: &Past) -> Broken {
    let failed =
        (past.failed_starts > 0).then(|| format!("{} starts were in vain", past.failed_starts));
    failed.into_iter().collect()
}

fn sent<'a>(account: &'a Account, event: &Stored) -> Option<&'a Sent> {
    let sources = ["huntr", "hunty"];
    let source = sources.into_iter().find(|source| *source == event.source)?;
    account.sent.get(&(source, event.delivery_id.clone()))
}
