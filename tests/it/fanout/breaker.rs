//! A sink that is down is left alone, and told everything when it is back.

use std::time::Instant;

use super::{Database, Hook, all_delivered, ids, on_both_stores, post_all, report};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, until},
};

on_both_stores!(a_sink_that_is_down_gets_few_calls_and_then_everything);

/// As many failures in a row open the breaker.
const FAILURES: usize = 10;
const CONCURRENCY: usize = 8;

async fn a_sink_that_is_down_gets_few_calls_and_then_everything(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::status(500));
    let setup = setup.config(&hook.sink("crm", ""));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    let started = Instant::now();
    let events = ids("event", 400);
    let (first, more) = events.split_at(200);
    post_all(&[&receiver], first).await;
    receiver.logged("the sink is down").await;
    post_all(&[&receiver], more).await;
    // A probe or two.
    let before = hook.count();
    until(async || (hook.count() >= before + 2).then_some(())).await;

    // The breaker opens with the tenth failure, when others may be under way. From then on there is one call at
    // a time; before the n-th are at least half of 1, 2, … 2^(n-1) seconds.
    let probes = (2 * started.elapsed().as_secs() + 3).ilog2() as usize;
    let most = FAILURES + CONCURRENCY - 1 + probes;
    let calls = hook.count();
    assert!(calls <= most, "{calls} calls, {probes} probes at most");
    report!("{calls} calls while it was down");
    // Waiting is no attempt.
    let attempts = "select cast(coalesce(sum(attempts), 0) as bigint) from deliveries";
    assert!(database.number(attempts).await <= i64::try_from(hook.count()).expect("few"));
    assert!(
        (receiver
            .metric("huntr_receiver_sink_breaker_open{sink=\"crm\"}")
            .await
            - 1.0)
            .abs()
            < 0.1
    );

    hook.answer_with(Behaviour::status(200));
    all_delivered(&mut database).await;
    hook.took(&events);
    assert_eq!(hook.duplicates(), 0);
    assert_eq!(
        database.number(attempts).await,
        i64::try_from(hook.count()).expect("few")
    );
    assert!(receiver.log().contains("the sink works again"));
}
