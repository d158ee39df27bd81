//! `audit`: finds nothing where all is well, and every kind of damage by its name.

use std::process::Stdio;

use serde_json::Value;

use super::{
    Database, Hook, SOON, ids, none_left, on_both_stores, post_all,
    typed::{contents, post_samples},
};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, until},
};

on_both_stores!(
    a_healthy_receiver_passes,
    it_does_not_cry_wolf_while_load_runs,
    damage_is_found_by_name,
    what_is_late_and_what_was_given_up_is_told,
    what_a_sink_never_got_is_told,
);

/// What was looked at, and whether all is well.
fn audit(setup: &Setup, arguments: &[&str]) -> (bool, Vec<Value>) {
    let output = setup
        .command()
        .args(["audit", "--json"])
        .args(arguments)
        .output()
        .expect("running it");
    let findings = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.success(), findings)
}

/// The names of what has failed.
fn failures(setup: &Setup, arguments: &[&str]) -> Vec<String> {
    let (all_well, findings) = audit(setup, arguments);
    let failed = findings.iter().filter(|finding| finding["ok"] == false);
    let names: Vec<_> = failed
        .map(|finding| finding["what"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(all_well, names.is_empty());
    names
}

async fn a_healthy_receiver_passes(setup: Setup) {
    let setup = setup.with_tables();
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    assert_eq!(failures(&setup, &["--full"]), [""; 0]);
    post_samples(&setup, &receiver, &mut database).await;
    let before = contents(&mut database).await;
    assert_eq!(failures(&setup, &[]), [""; 0]);
    assert_eq!(failures(&setup, &["--full"]), [""; 0]);
    assert_eq!(contents(&mut database).await, before);
    database
        .execute("delete from events where id % 3 = 0")
        .await;
    assert_eq!(failures(&setup, &["--full"]), [""; 0]);
}

async fn it_does_not_cry_wolf_while_load_runs(setup: Setup) {
    let setup = setup.with_tables();
    let receiver = setup.start();
    let mut command = setup.command();
    command
        .args(["audit", "--full", "--late-after", "1m"])
        .stdout(Stdio::null());
    for audit in 0..3 {
        let mut running = command.spawn().expect("starting it");
        for round in 0..20 {
            post_all(&[&receiver], &ids(&format!("event-{audit}-{round}"), 30)).await;
        }
        let ended = until(async || running.try_wait().expect("waiting")).await;
        assert!(ended.success());
    }
}

async fn damage_is_found_by_name(setup: Setup) {
    let setup = setup.with_tables();
    let mut receiver = setup.start();
    let mut database = Database::of(&setup).await;
    post_samples(&setup, &receiver, &mut database).await;
    receiver.kill();
    let rebuild = || {
        let done = setup.command().arg("rebuild").output().expect("running it");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    let row = "every event has a row in actions, or a delivery that will write it";
    let written = "every delivery to actions that is over has left a row";
    let named = "every row in actions names the event it is of";
    let sampled = "what a sample of the events speaks of is in the typed tables";
    let one = "select min(event_id) from actions";
    for (damage, found) in [
        (
            format!("delete from actions where event_id = ({one})"),
            vec![written, "every row in actions says what its events say"],
        ),
        (
            format!(
                "delete from deliveries where event_id = ({one}); delete from actions where event_id = ({one})"
            ),
            vec![row, "every row in actions says what its events say"],
        ),
        (
            format!("update actions set event_id = event_id + 1 where event_id = ({one})"),
            vec![named, "every row in actions says what its events say"],
        ),
        (
            "delete from notes".to_owned(),
            vec![sampled, "every row in notes says what its events say"],
        ),
        (
            "update jobs set salary = 'none'".to_owned(),
            vec!["every row in jobs says what its events say"],
        ),
        (
            "insert into employers (source, id) values ('huntr', 'nobody')".to_owned(),
            vec!["every row in employers says what its events say"],
        ),
    ] {
        database.execute(&damage).await;
        assert_eq!(failures(&setup, &["--full"]), found, "{damage}");
        rebuild();
        assert_eq!(failures(&setup, &["--full"]), [""; 0], "{damage}");
    }
}

async fn what_is_late_and_what_was_given_up_is_told(setup: Setup) {
    let setup = setup.with_tables();
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::status(422));
    let setup = setup.config(&hook.sink("crm", SOON));
    let mut receiver = setup.start();
    let mut database = Database::of(&setup).await;
    post_all(&[&receiver], &ids("event", 5)).await;
    none_left(
        &mut database,
        "sink = 'crm' and state <> 'dead' or sink = 'tables' and state <> 'delivered'",
    )
    .await;
    receiver.kill();
    let (all_well, findings) = audit(&setup, &[]);
    assert!(all_well);
    let dead = findings
        .iter()
        .find(|finding| finding["what"] == "given up for the sink crm");
    assert_eq!(dead.expect("found")["count"], 5);

    database
        .execute("update deliveries set state = 'pending', sink = 'former', next_attempt_at = created_at where sink = 'crm'")
        .await;
    assert_eq!(failures(&setup, &[]), [""; 0], "not late yet");
    assert_eq!(
        failures(&setup, &["--late-after", "0s"]),
        ["nothing for the sink former is pending past its time"]
    );
}

async fn what_a_sink_never_got_is_told(setup: Setup) {
    let hook = Hook::start().await;
    let setup = setup.config(&hook.sink("crm", SOON));
    let mut receiver = setup.start();
    let mut database = Database::of(&setup).await;
    post_all(&[&receiver], &ids("event", 5)).await;
    none_left(&mut database, "state <> 'delivered'").await;
    receiver.kill();
    database
        .execute("delete from deliveries where event_id in (2, 3)")
        .await;
    let (all_well, findings) = audit(&setup, &[]);
    assert!(all_well, "the sink may have been out of the configuration");
    let what = "without a delivery for the sink crm, since the first that has one";
    let finding = findings.iter().find(|finding| finding["what"] == what);
    let finding = finding.expect("found");
    assert_eq!(finding["count"], 2);
    assert_eq!(finding["example"], "event 2");
}
