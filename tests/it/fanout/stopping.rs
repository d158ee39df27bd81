//! SIGTERM while deliveries are under way.

use std::time::{Duration, Instant};

use super::{Database, Hook, all_delivered, ids, none_left, on_both_stores, post_all, report};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, until},
};

on_both_stores!(what_is_under_way_is_ended_and_the_rest_given_back);

async fn what_is_under_way_is_ended_and_the_rest_given_back(setup: Setup) {
    let (slow, hanging) = (Hook::start().await, Hook::start().await);
    slow.answer_with(Behaviour::Late {
        status: 200,
        after: Duration::from_millis(200),
    });
    hanging.answer_with(Behaviour::Hang);
    let setup = setup
        .config(&slow.sink("slow", ""))
        .config(&hanging.sink("hanging", ""));
    let mut receiver = setup.start();
    let mut database = Database::of(&setup).await;
    let events = ids("event", 200);
    post_all(&[&receiver], &events).await;
    until(async || (slow.count() >= 20).then_some(())).await;
    let leased = "select count(*) from deliveries where leased_by is not null";
    assert!(database.number(leased).await > 0);

    let stopping = Instant::now();
    receiver.terminate();
    assert!(receiver.wait().success(), "{}", receiver.log());
    assert!(stopping.elapsed() < Duration::from_secs(10));
    report!("stopped in {:?}", stopping.elapsed());
    none_left(&mut database, "leased_by is not null").await;
    let delivered = "select count(*) from deliveries where sink = 'slow' and state = 'delivered'";
    let delivered = database.number(delivered).await;
    assert!(
        (20..200).contains(&delivered),
        "in the middle of it: {delivered}"
    );
    assert_eq!(
        slow.count(),
        usize::try_from(delivered).expect("few"),
        "all that it took is recorded"
    );

    for hook in [&slow, &hanging] {
        hook.answer_with(Behaviour::status(200));
    }
    let _again = setup.start();
    all_delivered(&mut database).await;
    slow.took(&events);
    hanging.took(&events);
    assert_eq!(slow.duplicates(), 0);
}
