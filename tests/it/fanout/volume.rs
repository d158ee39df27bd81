//! Thousands of events to a healthy sink, a flaky one, and one that is away until the end.

use std::time::{Duration, Instant};

use super::{
    Database, Hook, SOON, all_delivered, how_many, ids, none_left, on_both_stores, post_all, report,
};
use crate::{sinks::web_server::Behaviour, support::Setup};

/// As many as leave the whole suite fast.
const EVENTS: usize = 1000;

on_both_stores!(every_event_reaches_every_sink);

async fn every_event_reaches_every_sink(setup: Setup) {
    let (healthy, flaky) = (Hook::start().await, Hook::start().await);
    flaky.answer_by(|call| Behaviour::status(if call.number % 3 == 0 { 500 } else { 200 }));
    let mut away = Hook::start().await;
    away.server.stop().await;
    let setup = setup
        .config(&healthy.sink("healthy", SOON))
        .config(&flaky.sink("flaky", SOON))
        .config(&away.sink("away", SOON));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;

    let events = ids("event", how_many(EVENTS));
    let started = Instant::now();
    post_all(&[&receiver], &events).await;
    let acknowledged = started.elapsed();
    none_left(&mut database, "sink = 'healthy' and state <> 'delivered'").await;
    let beside_others = started.elapsed();
    assert_eq!(
        database
            .number("select count(*) from deliveries where sink = 'away' and state = 'pending'")
            .await,
        i64::try_from(events.len()).expect("few")
    );
    let back = Instant::now();
    away.server.restart_on_same_port().await;
    all_delivered(&mut database).await;
    let caught_up = back.elapsed();

    let mut sent = events.clone();
    sent.sort();
    assert_eq!(database.events().await, sent);
    for hook in [&healthy, &flaky, &away] {
        hook.took(&sent);
        assert_eq!(hook.duplicates(), 0);
    }
    let failed = "select count(*) from deliveries where sink = 'healthy' and attempts <> 1";
    assert_eq!(database.number(failed).await, 0);
    let alone = alone(if database.is_sqlite() {
        Setup::sqlite()
    } else {
        Setup::postgres().await
    });
    let (acknowledged_alone, alone) = alone.await;
    report!(
        "{} events: acknowledged after {acknowledged:?}, at the healthy sink after {beside_others:?} beside \
         two others (alone: {acknowledged_alone:?}, {alone:?}), at the one that was away {caught_up:?} after \
         its return",
        events.len()
    );
}

/// How long the same takes when the healthy sink is the only one.
async fn alone(setup: Setup) -> (Duration, Duration) {
    let healthy = Hook::start().await;
    let setup = setup.config(&healthy.sink("healthy", SOON));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    let started = Instant::now();
    post_all(&[&receiver], &ids("event", how_many(EVENTS))).await;
    let acknowledged = started.elapsed();
    all_delivered(&mut database).await;
    (acknowledged, started.elapsed())
}
