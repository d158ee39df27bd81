//! Commands that change many deliveries at once, beside receivers that settle the same ones.

use std::time::Duration;

use super::{Database, Hook, all_delivered, by_hand::run, ids, post_all};
use crate::{sinks::web_server::Behaviour, support::Setup};

/// Each statement that locks several deliveries locks them in the same order, so that none waits for one that
/// waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn commands_and_receivers_never_lock_each_other_out() {
    let hook = Hook::start().await;
    hook.answer_by(|call| Behaviour::Late {
        status: if call.number % 4 == 0 { 500 } else { 200 },
        after: Duration::from_millis(call.number as u64 % 10),
    });
    let options = "concurrency = 64\nretry = { initial = \"1ms\", max = \"10ms\" }";
    // Short leases are renewed all the time.
    let setup = Setup::postgres()
        .await
        .config("[deliveries]\nlease = \"1s\"\n")
        .config(&hook.sink("crm", options));
    let receivers = [setup.start(), setup.start()];
    let mut database = Database::of(&setup).await;
    let events = ids("event", 1500);
    post_all(&receivers.each_ref(), &events).await;
    let commands: [&[&str]; 5] = [
        &["deliveries", "cancel", "--sink", "crm"],
        &["deliveries", "retry", "--state", "cancelled"],
        &["replay", "--sink", "crm"],
        &["deliveries", "retry", "--state", "delivered"],
        &["deliveries", "retry", "--state", "pending"],
    ];
    // Made one after the other: each writes the configuration anew.
    let command = |arguments: &&[&str]| {
        let mut command = setup.command();
        command.args(*arguments);
        command
    };
    let mut running = tokio::task::JoinSet::new();
    for turn in 0..3 {
        let mut commands: Vec<_> = commands.iter().map(command).collect();
        running.spawn_blocking(move || {
            for round in 0..8 {
                let number = (round + turn) % commands.len();
                let output = commands[number].output().expect("running it");
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{said}");
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.expect("every command is done");
    }
    run(&setup, &["deliveries", "retry", "--state", "cancelled"]);
    all_delivered(&mut database).await;
    hook.took(&events);
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(database.number(deadlocks).await, 0);
}
