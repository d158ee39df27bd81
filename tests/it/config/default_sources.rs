//! The sources that a bare environment makes.

use insta::{allow_duplicates, assert_snapshot};

use super::accepted;
use crate::program::Program;

#[test]
fn stand_for_the_variables_that_are_set() {
    let sources = |program: Program| {
        let mut found = accepted(&program, &["--config", "receiver.toml"]);
        found.retain(|what| what.starts_with("sources."));
        found
    };
    let without_source =
        || Program::new().file("receiver.toml", "[server]\nlisten = '[::]:80'\n[sources]");
    let both = || {
        without_source()
            .set("HUNTR_WEBHOOK_SECRET", "a")
            .set("HUNTY_API_KEY", "b")
    };
    assert_eq!(
        sources(without_source().set("HUNTR_WEBHOOK_SECRET", "a")),
        ["sources.huntr"]
    );
    assert_eq!(
        sources(without_source().set("HUNTY_API_KEY", "b")),
        ["sources.hunty"]
    );
    assert_eq!(sources(both()), ["sources.huntr", "sources.hunty"]);
    let toml = "[sources.mine]\nprovider = 'hunty'\nsecrets = ['env:HUNTY_API_KEY']";
    assert_eq!(
        sources(both().file("receiver.toml", toml)),
        ["sources.mine"]
    );
}

#[test]
fn must_not_have_an_empty_secret_or_a_wrong_header() {
    let program = Program::new()
        .set("HUNTR_WEBHOOK_SECRET", "")
        .set("HUNTY_API_KEY", "a key")
        .set("HUNTY_API_KEY_HEADER", "not a header");
    assert_snapshot!(program.run(&["check"]).refusal(), @r#"
    error: the configuration is not usable:
      sources.huntr.secrets.0: env:HUNTR_WEBHOOK_SECRET is empty
      sources.hunty.header: is not the name of an HTTP header
    "#);
}

#[test]
fn are_asked_for_when_there_is_none() {
    let outcome = |command| {
        Program::new()
            .set("HUNTY_API_KEY_HEADER", "x-key")
            .run(command)
    };
    let outcomes = [
        &["serve"][..],
        &["check"],
        &["reverify"],
        &["send", "--all"],
    ]
    .map(outcome);
    allow_duplicates!(for outcome in outcomes {
        assert_snapshot!(outcome.refusal(), @r#"
        error: the configuration is not usable:
          sources: there is none, so nobody could post anything; set HUNTR_WEBHOOK_SECRET (what "Reveal" shows in Huntr's Developers tab) or HUNTY_API_KEY (the value given to Hunty), or name a source in a file
        "#);
    });
}
