//! `deliveries retry`, `deliveries cancel` and `replay`, next to a receiver that runs.

use serde_json::Value;

use super::{Database, Hook, SOON, all_delivered, ids, none_left, on_both_stores, post_all};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, until},
};

on_both_stores!(
    what_was_given_up_is_retried,
    a_misspelt_sink_is_an_error,
    what_is_not_wanted_any_more_is_cancelled,
    what_is_cancelled_while_it_waits_is_not_sent,
    a_new_sink_gets_what_there_was,
);

/// Runs a command, and gives what it reports.
pub(super) fn run(setup: &Setup, arguments: &[&str]) -> Value {
    let output = setup
        .command()
        .args(arguments)
        .arg("--json")
        .output()
        .expect("running it");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn what_was_given_up_is_retried(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::status(422));
    let setup = setup.config(&hook.sink("crm", SOON));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    let events = ids("event", 100);
    post_all(&[&receiver], &events).await;
    none_left(&mut database, "state <> 'dead'").await;
    hook.answer_with(Behaviour::status(200));
    let retry = ["deliveries", "retry", "--sink", "crm"];
    assert_eq!(
        run(&setup, &[&retry[..], &["--dry-run"]].concat())["deliveries"],
        100
    );
    none_left(&mut database, "state <> 'dead'").await;
    assert_eq!(run(&setup, &retry)["deliveries"], 100);
    all_delivered(&mut database).await;
    hook.took(&events);
    none_left(&mut database, "attempts <> 2").await;
}

async fn a_misspelt_sink_is_an_error(setup: Setup) {
    let setup = setup.config(&Hook::start().await.sink("crm", SOON));
    setup.start();
    for command in ["list", "retry", "cancel"] {
        let arguments = ["deliveries", command, "--sink", "cmr"];
        let output = setup.command().args(arguments).output();
        let output = output.expect("running it");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        let why = "--sink cmr: there is no such sink and no delivery to one; configured are: crm";
        assert!(said.contains(why), "{said}");
    }
}

async fn what_is_not_wanted_any_more_is_cancelled(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::Hang);
    let setup = setup.config(&hook.sink("crm", "timeout = \"1h\""));
    let mut receiver = setup.start();
    let mut database = Database::of(&setup).await;
    post_all(&[&receiver], &ids("event", 100)).await;
    // Those under way and those queued, too.
    assert_eq!(
        run(&setup, &["deliveries", "cancel", "--sink", "crm"])["deliveries"],
        100
    );
    none_left(
        &mut database,
        "state <> 'cancelled' or attempts <> 0 or leased_by is not null",
    )
    .await;
    receiver.terminate();
    assert!(receiver.wait().success());
    none_left(
        &mut database,
        "state <> 'cancelled' or leased_by is not null",
    )
    .await;
}

async fn what_is_cancelled_while_it_waits_is_not_sent(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::Hang);
    // A receiver asks every second whether what waits in its memory is still wanted.
    let setup = setup.config(&hook.sink("crm", "timeout = \"8s\""));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    post_all(&[&receiver], &ids("event", 100)).await;
    run(&setup, &["deliveries", "cancel", "--sink", "crm"]);
    let cut_short = "select count(*) from delivery_attempts";
    until(async || (database.number(cut_short).await >= 8).then_some(())).await;
    assert_eq!(hook.count(), 8, "those that were under way, and no more");
}

async fn a_new_sink_gets_what_there_was(setup: Setup) {
    let old = Hook::start().await;
    let setup = setup.config(&old.sink("old", SOON));
    let mut receiver = setup.start();
    let events = ids("event", 40);
    post_all(&[&receiver], &events).await;
    let mut database = Database::of(&setup).await;
    all_delivered(&mut database).await;
    receiver.terminate();
    assert!(receiver.wait().success());

    let new = Hook::start().await;
    let setup = setup.config(&new.sink("new", SOON));
    let _receiver = setup.start();
    let replay = ["replay", "--sink", "new", "--rate", "40"];
    assert_eq!(
        run(&setup, &[&replay[..], &["--dry-run"]].concat())["events"],
        40
    );
    assert_eq!(database.number("select count(*) from deliveries").await, 40);
    assert_eq!(run(&setup, &replay)["replayed"], 40);
    all_delivered(&mut database).await;
    new.took(&events);
    assert_eq!((new.duplicates(), old.count()), (0, 40));
    // 40 in a second: each 25 ms after the one before.
    let milliseconds = if database.is_sqlite() {
        "cast(round((julianday(max(created_at)) - julianday(min(created_at))) * 86400000) as integer)"
    } else {
        "round(extract(epoch from max(created_at) - min(created_at)) * 1000)::bigint"
    };
    let spread = format!("select {milliseconds} from deliveries where sink = 'new'");
    let spread = database.number(&spread).await;
    assert!((970..2000).contains(&spread), "{spread}");
    let early = if database.is_sqlite() {
        "julianday(started_at) < julianday(created_at) - 0.002 / 86400"
    } else {
        "started_at < created_at"
    };
    let early = format!(
        "select count(*) from deliveries join delivery_attempts on delivery_id = deliveries.id where sink = 'new' and {early}"
    );
    assert_eq!(database.number(&early).await, 0);

    // Once more, to one that has it all.
    assert_eq!(
        run(
            &setup,
            &["replay", "--sink", "old", "--type", "JOB_CREATED"]
        )["replayed"],
        40
    );
    all_delivered(&mut database).await;
    assert_eq!(old.count(), 80);
    none_left(&mut database, "sink = 'old' and attempts <> 2").await;
}
