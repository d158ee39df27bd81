//! The configuration as its users meet it: what is accepted, what wins, and what is said of mistakes.

mod accepted;
mod default_sources;
mod mistakes;
mod precedence;

use crate::{
    program::{Outcome, Program},
    support::{Setup, action},
};

/// What `check` says of a configuration that is accepted, whether or not its sinks can be reached.
fn accepted(program: &Program, arguments: &[&str]) -> Vec<String> {
    let outcome = program.run(&[arguments, &["check", "--json"]].concat());
    let findings: serde_json::Value =
        serde_json::from_slice(&outcome.bytes).expect(&outcome.stderr);
    let findings = findings.as_array().expect("a list");
    findings
        .iter()
        .map(|finding| finding["what"].as_str().expect("a name").to_owned())
        .collect()
}

fn refused(toml: &str) -> Outcome {
    let outcome =
        Program::new()
            .file("receiver.toml", toml)
            .run(&["--config", "receiver.toml", "check"]);
    outcome.refusal();
    outcome
}

/// Nothing listens on port 1, so every connection is refused at once.
#[test]
fn the_password_of_a_database_is_never_shown() {
    let url = "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable&password=hunter2";
    for command in [
        &["check"][..],
        &["check", "--json"],
        &["migrate"],
        &["events", "list"],
        &["events", "show", "1"],
        &["reverify"],
    ] {
        for program in [
            Program::with_source().set("DATABASE_URL", url),
            Program::with_source()
                .set("DATABASE_URL", "env:URL")
                .set("URL", url),
            Program::with_source().set("RECEIVER__DATABASE__URL", url),
        ] {
            let outcome = program.set("RUST_LOG", "trace").run(command);
            assert_eq!(outcome.code, 1, "{command:?}");
            assert!(
                outcome.says("Connection refused") && outcome.says("postgres://127.0.0.1/db"),
                "{outcome:?}"
            );
            assert!(!outcome.says("hunter2"), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn nor_is_it_by_a_receiver_that_waits_for_the_database() {
    for (url, variable) in [
        (
            "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable&password=hunter2",
            "UNUSED",
        ),
        ("env:URL", "URL"),
    ] {
        let password = "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable&password=hunter2";
        let setup = Setup::on(url.into())
            .environment(variable, password)
            .environment("RUST_LOG", "trace");
        let mut receiver = setup.start();
        assert_eq!(receiver.post_signed(action("a")).await.said(), "spooled");
        receiver.terminate();
        assert!(receiver.wait().success());
        let log = receiver.log();
        assert!(log.contains("Connection refused") && log.contains("postgres://127.0.0.1/db"));
        assert!(!log.contains("hunter2"), "{log}");
    }
}
