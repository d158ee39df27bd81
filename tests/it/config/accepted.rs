//! What is accepted.

use huntr_receiver::sinks::KINDS;
use insta::assert_snapshot;

use super::accepted;
use crate::program::Program;

const SHIPPED: &str = include_str!("../../../config/receiver.toml");

#[test]
fn the_shipped_file() {
    let program = Program::with_source().file("receiver.toml", SHIPPED);
    assert_eq!(
        accepted(&program, &["--config", "receiver.toml"]),
        accepted(&Program::with_source(), &[])
    );
}

#[test]
fn the_shipped_file_with_all_its_examples() {
    let is_option = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let uncommented: Vec<_> = SHIPPED
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(example) if example.starts_with('[') || is_option(example) => example,
            _ => line,
        })
        .collect();
    let left_out = [
        ("kafka", cfg!(feature = "kafka")),
        ("sqs", cfg!(feature = "sqs")),
    ]
    .into_iter()
    .filter(|(_, is_built_in)| !is_built_in);
    let left_out: Vec<_> = left_out
        .map(|(kind, _)| format!("kind = \"{kind}\""))
        .collect();
    let uncommented = uncommented.join("\n");
    let sections = uncommented.split("\n[");
    let built_in: Vec<_> = sections
        .filter(|section| left_out.iter().all(|kind| !section.contains(kind)))
        .collect();
    let kinds = built_in
        .iter()
        .filter(|section| section.starts_with("sinks."));
    assert_eq!(
        kinds.count(),
        KINDS.len() - left_out.len(),
        "an example a kind"
    );
    accepted_with_its_sinks(&built_in.join("\n["));
}

#[test]
fn the_whole_example_of_the_contract() {
    accepted_with_its_sinks(CONTRACT);
}

/// That a file with the two sources of the examples is accepted, and every sink in it known. None is reached.
fn accepted_with_its_sinks(toml: &str) {
    let (without_sinks, sinks) = toml.split_once("\n[sinks.").expect("a sink");
    let program = with_the_secrets_of_the_examples().file("receiver.toml", without_sinks);
    assert_eq!(
        accepted(&program, &["--config", "receiver.toml"]),
        [
            "sources.huntr",
            "sources.hunty",
            "database.url (sqlite:data/receiver.db)",
            "spool.dir (data/spool)",
        ]
    );
    let program = program.file("receiver.toml", toml);
    let done = |command: &[&str]| {
        let outcome = program.run(&[&["--config", "receiver.toml"], command].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    };
    done(&["migrate"]);
    for section in sinks.split("\n[sinks.") {
        let name = section.split(']').next().expect("a name");
        done(&["replay", "--dry-run", "--sink", name]);
    }
}

fn with_the_secrets_of_the_examples() -> Program {
    Program::new()
        .set("RECEIVER_ADMIN_TOKEN", "a token")
        .set("HUNTR_WEBHOOK_SECRET", "a secret")
        .set("HUNTR_ORG_TOKEN", "another token")
        .set("HUNTY_API_KEY", "a key")
        .set("CRM_SIGNING_SECRET", "whsec_c2VjcmV0")
        .set(
            "SLACK_WEBHOOK_URL",
            "https://hooks.slack.com/services/T0/B0/x",
        )
        .set("NATS_PASSWORD", "a password")
        .set("KAFKA_PASSWORD", "a password")
        .set("RABBITMQ_PASSWORD", "a password")
        .set("REDIS_PASSWORD", "a password")
        .set("S3_ACCESS_KEY_ID", "an id")
        .set("S3_SECRET_ACCESS_KEY", "a key")
        .set("S3_SESSION_TOKEN", "a token")
        .set("SQS_ACCESS_KEY_ID", "an id")
        .set("SQS_SECRET_ACCESS_KEY", "a key")
        .set("SQS_SESSION_TOKEN", "a token")
        .file("ca.pem", certificate())
}

fn certificate() -> String {
    let made = rcgen::generate_simple_self_signed(["ca.example.com".to_owned()]);
    made.expect("a certificate").cert.pem()
}

const CONTRACT: &str = r#"
[server]
listen = "0.0.0.0:8080"
admin_listen = "127.0.0.1:9090"
admin_token = "env:RECEIVER_ADMIN_TOKEN"
max_body = "2 MiB"
request_timeout = "10s"
drain_delay = "0s"

[database]
url = "sqlite:data/receiver.db"
commit_timeout = "2s"
migrate = true

[spool]
dir = "data/spool"
max_size = "1 GiB"

[log]
format = "auto"

[tables]
enabled = true
cohort_field = "Cohort"

[sources.huntr]
provider = "huntr"
secrets = ["env:HUNTR_WEBHOOK_SECRET"]
# verify = false

[sources.huntr.api]
url = "https://api.huntr.co/org"
token = "env:HUNTR_ORG_TOKEN"
every = "15m"
lookback = "3d"

[sources.hunty]
provider = "hunty"
header = "x-auth-api-key"
secrets = ["env:HUNTY_API_KEY"]

[sinks.crm]
kind = "http"
url = "https://crm.example.com/hooks"
secret = "env:CRM_SIGNING_SECRET"
allow_private = false
concurrency = 8
timeout = "10s"
retry = { initial = "1s", max = "10m", give_up_after = "3d" }
format = "cloudevents"
# order_by = "entity"

[sinks.offers]
kind = "slack"
url = "env:SLACK_WEBHOOK_URL"
types = ["ACTIVITY_CREATED"]
when = 'payload.activityCategory.name == "Offer Received"'
"#;

#[test]
fn a_file_that_can_be_read_only_once() {
    let program = Program::with_source();
    let outcome =
        program.run_with_input(&["--config", "/dev/stdin", "check"], "[server]\nlisen = 1");
    assert!(
        outcome.refusal().contains("server.lisen"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn lists_and_units_from_the_environment() {
    let program = Program::new()
        .set("RECEIVER__SOURCES__MAIN__PROVIDER", "huntr")
        .set("RECEIVER__SOURCES__MAIN__SECRETS", r#"["env:A","env:B"]"#)
        .set("RECEIVER__SERVER__MAX_BODY", "1MiB")
        .set("RECEIVER__INTAKE__MAX_BUFFER", "1024KiB")
        .set("RECEIVER__DATABASE__COMMIT_TIMEOUT", "500ms")
        .set("RECEIVER__DATABASE__MIGRATE", "false")
        .set("A", "one")
        .set("B", "two");
    assert_eq!(accepted(&program, &[])[0], "sources.main");
    let outcome = program
        .set("RECEIVER__INTAKE__MAX_BATCH", "0")
        .run(&["check"]);
    assert_snapshot!(outcome.refusal(), @r#"
    error: the configuration is not usable:
      intake.max_batch: must be from 1 to 1000000 (in the environment)
    "#);
}

#[test]
fn an_admin_listener_for_everybody_with_a_token() {
    for program in [
        Program::with_source().set("RECEIVER_ADMIN_TOKEN", "a token"),
        Program::with_source().set("RECEIVER__SERVER__ADMIN_TOKEN", "env:HUNTR_WEBHOOK_SECRET"),
    ] {
        accepted(
            &program.set("RECEIVER__SERVER__ADMIN_LISTEN", "0.0.0.0:9090"),
            &[],
        );
    }
}
