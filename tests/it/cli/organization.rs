//! `send --organization`: the history of a whole organisation, posted.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use crate::{program::Program, support::Setup};

#[test]
fn a_history_is_stored_once_however_often_it_is_posted() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let send = |seed: &str| {
        let url = receiver.url("");
        let what = ["send", "--organization", "2", "--ends", "2026-06-01"];
        let mut command = setup.command();
        let command = command.args(what).args(["--seed", seed]);
        let output = command.args(["--url", &url, "--json"]).output();
        let output = output.expect("running send");
        assert!(output.status.success(), "{output:?}");
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let count = |row: &serde_json::Value| {
            assert_eq!(row["sample"], "organization");
            let answer = row["answer"].as_str().expect("an answer").to_owned();
            (answer, row["count"].as_u64().expect("a count"))
        };
        let rows = rows.as_array().expect("a list").iter();
        rows.map(count).collect::<BTreeMap<_, _>>()
    };
    let first = send("7");
    assert!(first["stored"] > 100, "{first:?}");
    let all: u64 = first.values().sum();
    assert_eq!(send("7"), BTreeMap::from([("duplicate".to_owned(), all)]));
    assert!(send("8")["stored"] > 100);
}

#[test]
fn what_has_no_organisation_is_refused() {
    let hunty = Program::new().set("HUNTY_API_KEY", "a key");
    assert_snapshot!(hunty.run(&["send", "--organization", "2"]).refusal(), @"error: there is a sample organisation for sources of Huntr only");
    let two = "[sources.a]\nprovider = 'huntr'\nsecrets = ['env:A']\n\
               [sources.b]\nprovider = 'huntr'\nsecrets = ['env:A']";
    let two = Program::new().set("A", "a").file("a.toml", two);
    assert_snapshot!(two.run(&["--config", "a.toml", "send", "--organization", "2"]).refusal(), @"error: --organization goes to one source: name it with --source");
}
