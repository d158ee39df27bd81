//! `order_by = "entity"`: one after the other for each member, and none held back by another.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{Database, Hook, SOON, all_delivered, on_both_stores};
use crate::{
    sinks::web_server::Behaviour,
    support::{Running, Setup, until},
};

on_both_stores!(each_member_is_told_in_order);

const MEMBERS: [&str; 5] = ["ada", "bea", "cleo", "dora", "emmy"];
const ROUNDS: usize = 12;

async fn each_member_is_told_in_order(setup: Setup) {
    let hook = Hook::start().await;
    let ada_works = Arc::new(AtomicBool::new(false));
    hook.answer_by({
        let ada_works = Arc::clone(&ada_works);
        move |call| {
            let fails = call.subject == "ada" && !ada_works.load(Ordering::Relaxed);
            Behaviour::status(if fails { 503 } else { 200 })
        }
    });
    let options = format!("order_by = \"entity\"\n{SOON}");
    let setup = setup.config(&hook.sink("crm", &options));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    // On PostgreSQL, two share the work.
    let other = (!database.is_sqlite()).then(|| setup.start());
    let receivers = [&receiver, other.as_ref().unwrap_or(&receiver)];

    post_interleaved(receivers, 0).await;
    others_are_told(&hook, ROUNDS).await;
    // Nor when it has failed for so long that the sink looks as if it were down.
    until(async || (hook.count() > 30 + 4 * ROUNDS).then_some(())).await;
    post_interleaved(receivers, ROUNDS).await;
    others_are_told(&hook, 2 * ROUNDS).await;
    let tried: Vec<_> = hook
        .calls()
        .into_iter()
        .filter(|call| call.subject == "ada")
        .collect();
    assert!(
        tried.iter().all(|call| !call.taken && call.id == "ada-0"),
        "{tried:?}"
    );

    ada_works.store(true, Ordering::Relaxed);
    all_delivered(&mut database).await;
    assert_eq!(hook.duplicates(), 0);
    for member in MEMBERS {
        let calls = hook.calls();
        let told: Vec<_> = calls
            .iter()
            .filter(|call| call.subject == member && call.taken)
            .collect();
        let expected: Vec<_> = (0..2 * ROUNDS)
            .map(|round| format!("{member}-{round}"))
            .collect();
        assert_eq!(
            told.iter().map(|call| &call.id).collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
        assert!(told.is_sorted_by_key(|call| call.event), "{told:?}");
    }
}

/// What waits behind a failure costs the others nothing: it is not even looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_about_one_member_hold_nobody_else_up() {
    let hook = Hook::start().await;
    hook.answer_by(|call| Behaviour::status(if call.event == 1 { 503 } else { 200 }));
    let options = format!("order_by = \"entity\"\n{SOON}");
    let setup = Setup::postgres().await.config(&hook.sink("crm", &options));
    let mut database = Database::of(&setup).await;
    database
        .execute(
            "with stored as (
                 insert into events (source, provider, delivery_id, received_at, origin, body)
                 select 'huntr', 'huntr', 'ada-' || n, now(), 'webhook', '{}' from generate_series(1, 100000) as n
                 returning id
             )
             insert into deliveries (event_id, sink, order_key, created_at, next_attempt_at)
             select id, 'crm', 'ada', now(), now() from stored;
             analyze deliveries",
        )
        .await;
    let receiver = setup.start();
    until(async || (hook.count() >= 3).then_some(())).await;
    post_interleaved([&receiver; 2], 0).await;
    let waiting = "order_key <> 'ada' and state <> 'delivered'";
    super::none_left(&mut database, waiting).await;
    let attempted = "select count(*) from deliveries where order_key = 'ada' and attempts > 0";
    assert_eq!(database.number(attempted).await, 1);
}

/// Each waits for the 200 of the one before, as one that cares for order would.
async fn post_interleaved(receivers: [&Running; 2], from: usize) {
    for round in from..from + ROUNDS {
        for (number, member) in MEMBERS.iter().enumerate() {
            let body = format!(
                r#"{{"id":"{member}-{round}","actionType":"JOB_MOVED","ownerMember":{{"id":"{member}"}}}}"#
            );
            let receiver = receivers[(round + number) % 2];
            assert_eq!(receiver.post_signed(body).await.status, 200);
        }
    }
}

/// Waits until all members but one were told so many times.
async fn others_are_told(hook: &Hook, times: usize) {
    until(async || {
        let taken = hook.calls().iter().filter(|call| call.taken).count();
        (taken == (MEMBERS.len() - 1) * times).then_some(())
    })
    .await;
}
