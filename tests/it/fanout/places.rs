//! What a worker has in memory comes free again, whatever becomes of it.

use std::time::Duration;

use super::{Database, Hook, all_delivered, ids, none_left, post_all};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, action, until},
};

/// More than the places of both lanes, 1024 and 256.
const MANY: usize = 1400;

/// A delivery that is handed over has its lease from the transaction that stored its event.
#[tokio::test(flavor = "multi_thread")]
async fn after_failures_of_every_kind_deliveries_are_handed_over_again() {
    let hook = Hook::start().await;
    let options = "concurrency = 32\ntimeout = \"150ms\"\nwhen = '!event.delivery_id.startsWith(\"declined\")'\n\
                   retry = { initial = \"10ms\", max = \"50ms\" }";
    let setup = Setup::postgres().await.config(&hook.sink("crm", options));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    handed_over(&receiver, &hook, &mut database, "first").await;

    post_all(&[&receiver], &ids("declined", MANY)).await;
    none_left(&mut database, "state = 'pending'").await;
    hook.answer_with(Behaviour::status(400));
    post_all(&[&receiver], &ids("rejected", MANY)).await;
    none_left(&mut database, "state = 'pending'").await;
    hook.answer_by(|call| match call.number % 8 {
        0 => Behaviour::Hang,
        1 => Behaviour::Close,
        2 | 3 => Behaviour::status(500),
        _ => Behaviour::status(200),
    });
    post_all(&[&receiver], &ids("failing", MANY)).await;
    none_left(&mut database, "state = 'pending'").await;
    hook.answer_with(Behaviour::Hang);
    post_all(&[&receiver], &ids("cancelled", MANY)).await;
    super::by_hand::run(&setup, &["deliveries", "cancel", "--sink", "crm"]);
    hook.answer_with(Behaviour::status(200));
    handed_over(&receiver, &hook, &mut database, "last").await;
    none_left(&mut database, "state = 'pending'").await;
    let events = ids("in-the-end", MANY);
    post_all(&[&receiver], &events).await;
    none_left(&mut database, "state = 'pending'").await;
    let missing = events
        .iter()
        .filter(|id| !hook.taken().contains_key(*id))
        .count();
    assert_eq!(missing, 0);
}

/// Posts events until one is handed over.
async fn handed_over(
    receiver: &crate::support::Running,
    hook: &Hook,
    database: &mut Database,
    word: &str,
) {
    hook.answer_with(Behaviour::Late {
        status: 200,
        after: Duration::from_millis(100),
    });
    let mut number = 0;
    until(async || {
        number += 1;
        let answer = receiver
            .post_signed(action(&format!("{word}-{number}")))
            .await;
        assert_eq!(answer.status, 200);
        let sql = format!(
            "select count(*) from deliveries join events on events.id = event_id \
             where event_id = {} and leased_by is not null and deliveries.xmin = events.xmin",
            answer.event()
        );
        (database.number(&sql).await == 1).then_some(())
    })
    .await;
    hook.answer_with(Behaviour::status(200));
}

/// A backlog that fails slowly leaves fresh deliveries their half of the calls, also those that are not handed over.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_backlog_does_not_hold_up_fresh_deliveries() {
    let hook = Hook::start().await;
    hook.answer_by(|call| {
        if call.id.starts_with("old") {
            Behaviour::Hang
        } else {
            Behaviour::status(200)
        }
    });
    let setup = Setup::postgres()
        .await
        .config(&hook.sink("crm", "timeout = \"1h\""));
    let mut database = Database::of(&setup).await;
    database
        .execute(
            "with stored as (
                 insert into events (source, provider, delivery_id, received_at, origin, body)
                 select 'huntr', 'huntr', 'old-' || n, now(), 'webhook', '{}' from generate_series(1, 1000) as n
                 returning id
             )
             insert into deliveries (event_id, sink, created_at, next_attempt_at, backlog)
             select id, 'crm', now(), now(), true from stored",
        )
        .await;
    let mut receiver = setup.start();
    until(async || (hook.count() == 4).then_some(())).await;
    // Another receiver has committed these, so they are only found by looking.
    database
        .execute(
            "with stored as (
                 insert into events (source, provider, delivery_id, received_at, origin, body)
                 select 'huntr', 'huntr', 'fresh-' || n, now(), 'webhook', '{}' from generate_series(1, 1000) as n
                 returning id
             )
             insert into deliveries (event_id, sink, created_at, next_attempt_at)
             select id, 'crm', now(), now() from stored",
        )
        .await;
    none_left(&mut database, "state <> 'delivered' and not backlog").await;
    let old = hook
        .calls()
        .iter()
        .filter(|call| call.id.starts_with("old"))
        .count();
    assert_eq!(old, 4, "half of the calls");
    let events = ids("posted", 100);
    post_all(&[&receiver], &events).await;
    none_left(&mut database, "state <> 'delivered' and not backlog").await;

    // What hangs is called anew by the next one.
    hook.answer_with(Behaviour::status(200));
    receiver.terminate();
    assert!(receiver.wait().success());
    let _again = setup.start();
    all_delivered(&mut database).await;
}
