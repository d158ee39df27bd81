//! `migrate`: brings the schema up to date, any number of times.

use insta::assert_snapshot;

use super::DATABASE;
use crate::{postgres, program::Program};

#[test]
fn an_embedded_database_is_created_and_then_left_alone() {
    // It needs no source.
    let program = Program::new();
    let outcome = program.run(&["migrate"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout().starts_with("applied "), "{outcome:?}");
    assert!(
        outcome.stdout().ends_with(" to sqlite:data/receiver.db\n"),
        "{outcome:?}"
    );
    assert!(program.folder().join(DATABASE).is_file());
    assert_snapshot!(program.run(&["migrate"]).stdout(), @"sqlite:data/receiver.db is up to date");
}

#[tokio::test]
async fn a_database_on_a_server_is_filled_and_then_left_alone() {
    let url = postgres::empty_database().await;
    let program = Program::new().set("DATABASE_URL", &url);
    assert!(
        program
            .run(&["migrate"])
            .stdout()
            .contains(" to postgres://127.0.0.1")
    );
    assert!(
        program
            .run(&["migrate"])
            .stdout()
            .ends_with(" is up to date\n")
    );
}

#[test]
fn a_server_that_is_away_is_told_without_its_password() {
    let program = Program::new().set("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/db");
    let outcome = program.run(&["migrate"]);
    assert_eq!((outcome.code, outcome.stdout()), (1, ""));
    assert_snapshot!(outcome.stderr, @r"
    error: opening the database postgres://127.0.0.1/db
      because the database is unavailable
      because error communicating with database: Connection refused (os error 111)
    ");
}
