//! Several receivers on one PostgreSQL: they share the work, and take over from each other.

use std::{collections::BTreeSet, time::Duration};

use super::{Database, Hook, SOON, all_delivered, how_many, ids, none_left, post_all, report};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, until},
};

const EVENTS: usize = 600;
const SLOWLY: Behaviour = Behaviour::Late {
    status: 200,
    after: Duration::from_millis(5),
};
/// Long enough that none runs out while its holder lives, on a busy machine.
const LEASE: &str = "[deliveries]\nlease = \"4s\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn three_receivers_deliver_everything_once() {
    let hook = Hook::start().await;
    // Failures too: their retries are claimed by whoever comes first.
    hook.answer_by(|call| match call.number % 5 {
        0 => Behaviour::status(503),
        _ => SLOWLY,
    });
    let setup = Setup::postgres().await.config(&hook.sink("crm", SOON));
    let receivers = [setup.start(), setup.start(), setup.start()];
    let mut database = Database::of(&setup).await;
    let events = ids("event", how_many(EVENTS));
    post_all(&receivers.each_ref(), &events).await;
    all_delivered(&mut database).await;
    hook.took(&events);
    assert_eq!(hook.duplicates(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_receiver_had_in_flight_is_taken_over() {
    let hook = Hook::start().await;
    hook.answer_with(SLOWLY);
    let setup = Setup::postgres()
        .await
        .config(LEASE)
        .config(&hook.sink("crm", SOON));
    let (first, second, mut dead) = (setup.start(), setup.start(), setup.start());
    let mut database = Database::of(&setup).await;
    let events = ids("event", how_many(EVENTS));
    let (before, after) = events.split_at(events.len() / 2);
    post_all(&[&first, &second, &dead], before).await;
    dead.kill();
    // Theirs and the dead one's.
    let leased = "select delivery_id from events join deliveries on event_id = events.id \
                  where state = 'pending' and leased_by is not null";
    let in_flight: BTreeSet<_> = database.texts(leased).await.into_iter().collect();
    post_all(&[&first, &second], after).await;
    all_delivered(&mut database).await;
    hook.took(&events);
    let taken = hook.taken();
    for (id, times) in taken.iter().filter(|(_, times)| **times > 1) {
        assert!(
            *times == 2 && in_flight.contains(id),
            "{id} came {times} times"
        );
    }
    report!(
        "{} in flight, {} duplicates",
        in_flight.len(),
        hook.duplicates()
    );
}

/// The lease of a receiver that stands still runs out; when it wakes up, it finds that others have done its work.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_stood_still_changes_nothing_that_others_did_meanwhile() {
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::Hang);
    let options = format!("timeout = \"3s\"\n{SOON}");
    let setup = Setup::postgres()
        .await
        .config("[deliveries]\nlease = \"1s\"\n")
        .config(&hook.sink("crm", &options));
    let sleeper = setup.start();
    let mut database = Database::of(&setup).await;
    let events = ids("event", 50);
    post_all(&[&sleeper], &events).await;
    until(async || (hook.count() >= 8).then_some(())).await;
    sleeper.signal("STOP");
    hook.answer_with(Behaviour::status(200));
    let other = setup.start();
    all_delivered(&mut database).await;
    hook.took(&events);

    sleeper.signal("CONT");
    let more = ids("more", 50);
    post_all(&[&sleeper, &other], &more).await;
    all_delivered(&mut database).await;
    // Its calls from before have ended by now, or end here.
    sleeper.terminate();
    let mut sleeper = sleeper;
    assert!(sleeper.wait().success(), "{}", sleeper.log());
    all_delivered(&mut database).await;
    let twice = "select count(*) from delivery_attempts where outcome = 'delivered'";
    assert_eq!(database.number(twice).await, 100);
    let again: Vec<_> = more.iter().filter(|id| hook.taken()[*id] != 1).collect();
    assert_eq!(again, [""; 0]);
}

/// Looking once a second would take half a second on average.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_makes_due_is_taken_up_at_once() {
    const ROUNDS: u32 = 8;
    let hook = Hook::start().await;
    let setup = Setup::postgres().await.config(&hook.sink("crm", SOON));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    hook.answer_with(Behaviour::status(400));
    post_all(&[&receiver], &ids("event", 1)).await;
    none_left(&mut database, "state <> 'dead'").await;
    let mut waited = Duration::ZERO;
    for round in 0..ROUNDS {
        let before = hook.count();
        let retry = ["deliveries", "retry", "--sink", "crm"];
        let done = setup.command().args(retry).status();
        assert!(done.expect("running retry").success());
        let ended = std::time::Instant::now();
        until(async || (hook.count() > before).then_some(())).await;
        waited += ended.elapsed();
        let attempts = format!("state <> 'dead' or attempts <> {}", round + 2);
        none_left(&mut database, &attempts).await;
    }
    report!(
        "{ROUNDS} retries were taken up after {:?} on average",
        waited / ROUNDS
    );
    assert!(waited < Duration::from_millis(250) * ROUNDS, "{waited:?}");
}
