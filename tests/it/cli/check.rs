//! `check`: tells whether `serve` would work, and changes nothing.

use huntr_receiver::store::Store;
use insta::assert_snapshot;

use super::{DATABASE, event, open, with_events};
use crate::{postgres, program::Program};

/// What is found of the database, when all is well.
fn database(program: &Program) -> String {
    let findings = program.run(&["check", "--json"]).json();
    findings[1]["detail"].as_str().expect("a detail").to_owned()
}

/// The findings that are not well.
fn failed(program: &Program) -> Vec<String> {
    let outcome = program.run(&["check", "--json"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let findings: serde_json::Value = serde_json::from_slice(&outcome.bytes).expect("JSON");
    let failed = findings
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["ok"] == false);
    failed
        .map(|finding| finding["detail"].as_str().expect("a detail").to_owned())
        .collect()
}

#[test]
fn a_database_that_is_not_there_yet_is_well_and_not_created() {
    let toml = "[sources.open]\nprovider = 'huntr'\nverify = false\n\
                [sources.safe]\nprovider = 'hunty'\nsecrets = ['env:HUNTR_WEBHOOK_SECRET']\n\
                [sinks.crm]\nkind = 'stdout'\ntypes = ['JOB_MOVED']";
    let program = Program::with_source().file("receiver.toml", toml);
    let outcome = program.run(&["--config", "receiver.toml", "check", "--json"]);
    assert_snapshot!(serde_json::to_string_pretty(&outcome.json()).expect("JSON"), @r#"
    [
      {
        "what": "sources.open",
        "ok": true,
        "detail": "verify = false: everybody who can reach the URL is believed"
      },
      {
        "what": "sources.safe",
        "ok": true,
        "detail": "the secrets are there"
      },
      {
        "what": "database.url (sqlite:data/receiver.db)",
        "ok": true,
        "detail": "not there yet; `serve` creates it"
      },
      {
        "what": "spool.dir (data/spool)",
        "ok": true,
        "detail": "not there yet; `serve` creates it"
      },
      {
        "what": "sinks.crm",
        "ok": true,
        "detail": "standard output of `serve`, one line a message"
      }
    ]
    "#);
    assert_eq!(program.files(), ["receiver.toml"]);
}

#[test]
fn people_get_a_table() {
    let outcome = Program::with_source().run(&["check"]);
    assert_eq!(outcome.code, 0);
    assert_snapshot!(outcome.table(), @r"
    checked
    sources.huntr                           ok  the secrets are there
    database.url (sqlite:data/receiver.db)  ok  not there yet; `serve` creates it
    spool.dir (data/spool)                  ok  not there yet; `serve` creates it
    ");
}

#[test]
fn a_type_that_no_sample_has_may_be_a_slip() {
    let program = Program::with_source();
    let options = "\n[sinks.crm]\nkind = \"stdout\"\ntypes = [\"JOB_MOVED\", \"JOB_MOVD\"]\n";
    let outcome =
        program
            .file("receiver.toml", options)
            .run(&["check", "--config", "receiver.toml"]);
    assert_eq!(outcome.code, 0);
    let line = "sinks.crm.types                         ok  in no sample: JOB_MOVD; right if";
    assert!(outcome.table().contains(line), "{}", outcome.table());
}

#[tokio::test]
async fn a_database_in_use_is_not_changed() {
    let program = with_events(&[event(1, "huntr", None)]).await;
    let content = || std::fs::read(program.folder().join(DATABASE)).expect("the database");
    let before = content();
    assert_eq!(database(&program), "reachable, writable, up to date");
    assert!(before == content(), "the file is as it was");
    let files = program
        .folder()
        .join("data")
        .read_dir()
        .expect("the folder")
        .count();
    assert_eq!(files, 1, "and nothing is left beside it");
}

#[tokio::test]
async fn migrations_that_serve_would_not_apply_are_a_failure() {
    let program = Program::with_source();
    open(program.folder()).await.close().await;
    assert!(
        database(&program).starts_with("reachable, writable; migrations that `serve` will apply: ")
    );
    let program = program.set("RECEIVER__DATABASE__MIGRATE", "false");
    assert!(failed(&program)[0].starts_with("migrations that are not applied: "));
}

#[test]
fn a_file_that_is_no_database_is_a_failure() {
    let program = Program::with_source().file(
        "notes.txt",
        "not a database, but long enough to have a header".repeat(9),
    );
    let program = program.set("DATABASE_URL", "sqlite:notes.txt");
    let failed = failed(&program);
    assert!(failed[0].contains("file is not a database"), "{failed:?}");
}

#[test]
fn a_server_that_is_away_is_a_failure() {
    let program =
        Program::with_source().set("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/db");
    let outcome = program.run(&["check"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.says("database.url (postgres://127.0.0.1/db)  FAILED  the database is unavailable"),
        "{outcome:?}"
    );
    assert!(
        outcome.says("Connection refused") && !outcome.says("hunter2"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_without_the_database_is_a_failure() {
    let url = postgres::empty_database().await;
    let program = Program::with_source().set("DATABASE_URL", &format!("{url}_not"));
    let failed = failed(&program);
    assert!(failed[0].contains("_not\" does not exist"), "{failed:?}");
}

#[tokio::test]
async fn an_empty_database_on_a_server_is_not_changed() {
    let url = postgres::empty_database().await;
    let program = Program::with_source().set("DATABASE_URL", &url);
    for _ in 0..2 {
        assert!(
            database(&program)
                .starts_with("reachable, writable; migrations that `serve` will apply: ")
        );
    }
}
