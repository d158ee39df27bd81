//! `s3` against Moto.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    brokers::moto::Moto,
    clouds::{Options, all_delivered, message, messages, post, retried, taken, taken_at_last},
};
use crate::support::Setup;

fn options(moto: &Moto, bucket: &str) -> Options {
    let toml = format!(
        "bucket = '{bucket}'\nregion = 'eu-west-1'\nendpoint = '{}'",
        moto.url()
    );
    Options::of("s3", toml)
        .secret("access_key_id", "AKIATEST")
        .secret("secret_access_key", "hush")
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_batch_becomes_an_object_for_each_hour() {
    let moto = Moto::shared().await;
    moto.bucket("hours").await;
    let sink = options(moto, "hours").sink();
    let mut batch = messages(1..4);
    batch[1].received_at = "2026-05-04T14:00:00Z".parse().expect("a time");
    let receipts = taken(sink.deliver(&batch).await);

    let objects = moto.objects("hours").await;
    let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
    assert!(
        keys[0].starts_with("events/2026/05/04/13/evt_1-2-"),
        "{keys:?}"
    );
    assert!(
        keys[1].starts_with("events/2026/05/04/14/evt_2-1-"),
        "{keys:?}"
    );
    assert_eq!(ids(&objects[0].lines), ["evt_1", "evt_3"]);
    assert_eq!(ids(&objects[1].lines), ["evt_2"]);
    assert_eq!(objects[0].content_type, "application/x-ndjson");
    assert_eq!(receipts[2].response.as_deref(), Some(keys[0]));
}

#[tokio::test]
async fn the_same_batch_again_replaces_itself() {
    let moto = Moto::shared().await;
    moto.bucket("again").await;
    let sink = options(moto, "again").sink();
    let batch = messages(1..4);
    taken(sink.deliver(&batch).await);
    taken(sink.deliver(&batch).await);
    assert_eq!(moto.objects("again").await.len(), 1);
}

#[tokio::test]
async fn what_is_not_json_is_kept_in_base64() {
    let moto = Moto::shared().await;
    moto.bucket("binary").await;
    let sink = options(moto, "binary").sink();
    taken(sink.deliver(&[message(1, &b"\xff\n"[..])]).await);
    let objects = moto.objects("binary").await;
    assert_eq!(objects[0].lines, [json!({ "data_base64": "/wo=" })]);
}

#[tokio::test]
async fn an_outage_is_told_and_survived() {
    let mut moto = Moto::start().await;
    moto.bucket("outage").await;
    let sink = options(&moto, "outage").sink();
    taken(sink.deliver(&messages(1..2)).await);

    moto.kill();
    let why = retried(&sink.deliver(&messages(2..3)).await[0]);
    assert!(why.contains("no answer about bucket outage"), "{why}");
    assert!(why.contains("refused"), "{why}");
    let checked = sink.check().await.expect_err("nobody is there");
    assert!(checked.to_string().contains("refused"), "{checked}");

    moto.restart().await;
    let why = retried(&sink.deliver(&messages(2..3)).await[0]);
    assert!(why.contains("NoSuchBucket"), "{why}");
    assert!(
        why.ends_with("create the bucket, or correct `bucket`"),
        "{why}"
    );
    moto.bucket("outage").await;
    taken_at_last(&*sink, &messages(2..3)[0]).await;
}

#[tokio::test]
async fn a_check_tells_what_is_there() {
    let moto = Moto::shared().await;
    moto.bucket("checked").await;
    let checked = options(moto, "checked").sink().check().await;
    assert_eq!(
        checked.expect("it is there"),
        "reachable; bucket checked can be listed"
    );
    assert_eq!(moto.objects("checked").await.len(), 0);
    let missing = options(moto, "missing").sink().check().await;
    let missing = missing.expect_err("it is not there").to_string();
    assert!(missing.contains("create the bucket"), "{missing}");
}

#[tokio::test]
async fn wrong_credentials_are_told_without_them() {
    let moto = Moto::strict().await;
    let sink = options(&moto, "private").sink();
    let failed = retried(&sink.deliver(&messages(1..2)).await[0]);
    let checked = sink.check().await.expect_err("nobody is known").to_string();
    for why in [failed, checked] {
        assert!(why.contains("InvalidAccessKeyId"), "{why}");
        assert!(why.contains("correct `access_key_id`"), "{why}");
        assert!(!why.contains("hush") && !why.contains("AKIATEST"), "{why}");
    }
}

#[tokio::test]
async fn every_event_arrives_in_spite_of_an_outage() {
    let mut moto = Moto::start().await;
    moto.bucket("audit").await;
    let setup = Setup::sqlite()
        .environment("AWS_ACCESS_KEY_ID", "AKIATEST")
        .environment("AWS_SECRET_ACCESS_KEY", "hush")
        .config(&format!(
            "[sinks.audit]\nkind = 's3'\nbucket = 'audit'\nregion = 'eu-west-1'\nendpoint = '{}'\n\
             linger = '50ms'\nretry = {{ initial = '50ms', max = '500ms' }}\n",
            moto.url()
        ));
    let running = setup.start();
    post(&running, 0..15).await;
    all_delivered(&setup, 15).await;
    let mut objects = moto.objects("audit").await;

    // What it had is gone with it, and so is the bucket.
    moto.kill();
    post(&running, 15..30).await;
    moto.restart().await;
    moto.bucket("audit").await;
    all_delivered(&setup, 30).await;
    objects.extend(moto.objects("audit").await);

    let arrived: BTreeSet<_> = objects
        .iter()
        .flat_map(|object| ids(&object.lines))
        .collect();
    // A line has the id that the sender gave.
    let posted: Vec<_> = (0..30).map(|event| format!("e{event}")).collect();
    assert_eq!(arrived, posted.iter().map(String::as_str).collect());
}
