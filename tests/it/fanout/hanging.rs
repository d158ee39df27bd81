//! A sink that never answers costs nobody else anything: no 200, no other sink, no memory.

use std::time::{Duration, Instant};

use super::{Database, Hook, SOON, ids, none_left, on_both_stores, post_all, report};
use crate::{
    sinks::web_server::Behaviour,
    support::{Running, Setup, until},
};

on_both_stores!(a_sink_that_hangs_delays_nobody_else);

/// In the suite; a million (`FANOUT_PENDING=1000000`) takes a minute to insert.
const PENDING: i64 = 50_000;
/// The program itself takes 30 to 60 MB; a sink at most 6 MiB of bodies, and a little for each delivery.
const MOST_MEMORY: u64 = 120 * 1024;

const FOR_EVER: &str = "timeout = \"1h\"";

async fn a_sink_that_hangs_delays_nobody_else(setup: Setup) {
    let (hanging, healthy) = (Hook::start().await, Hook::start().await);
    hanging.answer_with(Behaviour::Hang);
    let setup = setup
        .config(&hanging.sink("hanging", FOR_EVER))
        .config(&healthy.sink("healthy", SOON));
    let mut receiver = setup.start();
    let mut database = Database::of(&setup).await;
    // More than a worker has room for.
    let events = ids("event", 1500);
    post_all(&[&receiver], &events).await;
    none_left(&mut database, "sink = 'healthy' and state <> 'delivered'").await;
    healthy.took(&events);
    let waiting = "select count(*) from deliveries where sink = 'hanging' and state = 'pending' and attempts = 0";
    assert_eq!(database.number(waiting).await, 1500);
    assert_eq!(hanging.count(), 8, "as many as its concurrency");
    stops_promptly(&mut receiver);
    let cut_short = "select error from delivery_attempts where outcome = 'failed'";
    let why = "the receiver stopped before there was an answer";
    assert_eq!(database.texts(cut_short).await, [why; 8]);
    database.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_sink_waits_in_the_database() {
    let hanging = Hook::start().await;
    hanging.answer_with(Behaviour::Hang);
    let setup = Setup::postgres()
        .await
        .config(&hanging.sink("hanging", FOR_EVER));
    let mut database = Database::of(&setup).await;
    let pending = pending();
    let inserting = Instant::now();
    database.execute(&insert(pending)).await;
    let inserted = inserting.elapsed();

    let starting = Instant::now();
    let mut receiver = setup.start();
    let started = starting.elapsed();
    until(async || (hanging.count() == 8).then_some(())).await;
    let working = starting.elapsed();
    post_all(&[&receiver], &ids("fresh", 200)).await;
    // It has claimed what it has room for, and renews the leases.
    let leased = "select count(*) from deliveries where leased_by is not null";
    until(async || (database.number(leased).await >= 128).then_some(())).await;
    let memory = receiver.peak_memory().expect("its status");
    let stopping = Instant::now();
    stops_promptly(&mut receiver);
    report!(
        "{pending} pending: inserted in {inserted:?}, started in {started:?}, first calls after {working:?}, \
         {memory} kB at most, stopped in {:?}",
        stopping.elapsed()
    );
    assert!(memory < MOST_MEMORY, "{memory} kB");
    assert_eq!(database.number(leased).await, 0);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's environment is the developer's"
)]
fn pending() -> i64 {
    let pending = std::env::var("FANOUT_PENDING").ok();
    pending.map_or(PENDING, |pending| pending.parse().expect("a number"))
}

/// So many events of 1 KB, with a pending delivery each.
fn insert(pending: i64) -> String {
    format!(
        "with stored as (
             insert into events (source, provider, delivery_id, event_type, received_at, origin, body)
             select 'huntr', 'huntr', 'old-' || n, 'JOB_CREATED', now(), 'webhook',
                    convert_to('{{\"id\":\"old-' || n || '\",\"note\":\"' || repeat('x', 1000) || '\"}}', 'UTF8')
             from generate_series(1, {pending}) as n
             returning id
         )
         insert into deliveries (event_id, sink, created_at, next_attempt_at)
         select id, 'hanging', now(), now() from stored"
    )
}

fn stops_promptly(receiver: &mut Running) {
    let stopping = Instant::now();
    receiver.terminate();
    assert!(receiver.wait().success(), "{}", receiver.log());
    // After ten seconds a container runtime kills.
    assert!(stopping.elapsed() < Duration::from_secs(10));
}
