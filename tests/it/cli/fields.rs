//! `fields import`: what the organisation calls its own fields.

use huntr_receiver::store::{Schema, Store};
use insta::assert_snapshot;
use serde_json::json;

use super::open;
use crate::program::Program;

const FIELDS: &str = r#"{"data": [
    {"id": "5f1", "name": "Cohort", "fieldType": "MULTIPLE_CHOICE", "choices": ["Spring", "Autumn"]},
    {"id": "5f2", "name": "Graduation", "fieldType": "DATE"}
]}"#;

async fn with_database(program: &Program) {
    let store = open(program.folder()).await;
    store.migrate().await.expect("migrating");
    store.close().await;
}

#[tokio::test]
async fn fields_come_and_go() {
    let program = Program::with_source()
        .file("fields.json", FIELDS)
        .file("fewer.json", r#"[{"id": "5f1", "name": "Class"}]"#);
    with_database(&program).await;
    assert_snapshot!(program.run(&["fields", "import", "fields.json"]).table(), @r"
     source  fields  added  removed
     huntr   2       2      0
    ");
    let again = program
        .run(&["fields", "import", "fewer.json", "--json"])
        .json();
    assert_eq!(
        again,
        json!({"source": "huntr", "fields": 1, "added": 0, "removed": 1, "whole": true})
    );
}

#[tokio::test]
async fn a_page_removes_nothing() {
    let program = Program::with_source().file("fields.json", FIELDS);
    with_database(&program).await;
    program
        .run(&["fields", "import", "fields.json", "--json"])
        .json();
    let page = r#"{"data": [{"id": "5f3", "name": "Program"}], "next": "5f3"}"#;
    let outcome = program.run_with_input(&["fields", "import", "-", "--json"], page);
    assert_eq!(
        outcome.json(),
        json!({"source": "huntr", "fields": 1, "added": 1, "removed": 0, "whole": false})
    );
}

#[tokio::test]
async fn what_is_no_list_of_fields_changes_nothing() {
    let program = Program::with_source().file(
        "members.json",
        r#"{"data": [{"id": "1", "givenName": "Noor"}]}"#,
    );
    with_database(&program).await;
    let outcome = program.run(&["fields", "import", "members.json"]);
    assert_eq!((outcome.code, outcome.stdout()), (1, ""));
    assert_snapshot!(outcome.stderr, @r"
    error: members.json is no answer of GET /member-fields
      because number 1 in it is no field
      because missing field `name`
    ");
}

#[test]
fn a_source_is_named_where_there_are_several() {
    let two = "[sources.eu]\nprovider = 'huntr'\nverify = false\n[sources.us]\nprovider = 'huntr'\nverify = false\n\
               [sources.hunty]\nprovider = 'hunty'\nsecrets = ['env:KEY']\n";
    let program = Program::new()
        .set("KEY", "a key")
        .set("RECEIVER_CONFIG", "receiver.toml")
        .file("receiver.toml", two);
    for (arguments, why) in [
        (
            &["x"][..],
            "several sources have member fields: say which with --source (eu, us)",
        ),
        (
            &["x", "--source", "hunty"],
            "the provider of the source hunty has no member fields",
        ),
        (
            &["x", "--source", "nobody"],
            "there is no source nobody in the configuration",
        ),
    ] {
        let outcome = program.run(&[&["fields", "import"], arguments].concat());
        assert_eq!(outcome.refusal(), format!("error: {why}\n"));
    }
}
