//! `sqs` against Moto.

use std::collections::BTreeSet;

use axum::{Json, Router, http::StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    brokers::moto::Moto,
    clouds::{
        Options, all_delivered, message, messages, post, rejected, retried, taken, taken_at_last,
    },
};
use crate::support::Setup;

fn options(queue_url: &str) -> Options {
    let toml = format!("queue_url = '{queue_url}'\nregion = 'eu-west-1'");
    Options::of("sqs", toml)
        .secret("access_key_id", "AKIATEST")
        .secret("secret_access_key", "hush")
}

fn attribute<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    message["MessageAttributes"][name]["StringValue"].as_str()
}

fn ids(messages: &[Value]) -> BTreeSet<&str> {
    messages
        .iter()
        .map(|message| attribute(message, "id").expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_message_has_its_body_and_attributes() {
    let moto = Moto::shared().await;
    let queue = moto.queue("attributes", json!({})).await;
    let sink = options(&queue).sink();
    let receipts = taken(sink.deliver(&messages(1..11)).await);
    assert_eq!(receipts.len(), 10);

    let received = moto.messages(&queue).await;
    assert_eq!(received.len(), 10);
    let first = received
        .iter()
        .find(|message| attribute(message, "id") == Some("evt_1"));
    let first = first.expect("the first message");
    assert_eq!(first["Body"], r#"{"id":"evt_1"}"#);
    for (name, value) in [
        ("type", "JOB_CREATED"),
        ("content-type", "application/cloudevents+json"),
        ("entity", "member-1"),
        ("x-signature", "c2ln"),
    ] {
        assert_eq!(attribute(first, name), Some(value));
    }
    assert_eq!(attribute(first, "encoding"), None);
}

#[tokio::test]
async fn what_is_no_text_is_sent_in_base64() {
    let moto = Moto::shared().await;
    let queue = moto.queue("binary", json!({})).await;
    let sink = options(&queue).sink();
    taken(
        sink.deliver(&[message(1, &b"\xff"[..]), message(2, &b"\0"[..])])
            .await,
    );
    for received in moto.messages(&queue).await {
        assert_eq!(attribute(&received, "encoding"), Some("base64"));
    }
}

#[tokio::test]
async fn a_fifo_queue_takes_a_message_once_and_keeps_what_is_about_one_thing_together() {
    let moto = Moto::shared().await;
    let queue = moto
        .queue("order.fifo", json!({ "FifoQueue": "true" }))
        .await;
    let sink = options(&queue).sink();
    taken(sink.deliver(&messages(1..4)).await);
    taken(sink.deliver(&messages(1..4)).await);
    let mut other = message(4, "{}");
    other.entity = None;
    taken(sink.deliver(&[other]).await);

    let received = moto.messages(&queue).await;
    assert_eq!(received.len(), 4);
    assert_eq!(ids(&received).len(), 4);
    let groups: BTreeSet<_> = received
        .iter()
        .map(|message| {
            message["Attributes"]["MessageGroupId"]
                .as_str()
                .expect("a group")
        })
        .collect();
    let expected = ["events", "member-0", "member-1", "member-2"];
    assert_eq!(groups, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_rejected_alone() {
    let moto = Moto::shared().await;
    let queue = moto
        .queue("large", json!({ "MaximumMessageSize": "1024" }))
        .await;
    let sink = options(&queue).sink();
    let batch = [
        message(1, "{}"),
        message(2, "x".repeat(2000)),
        message(3, "x".repeat(2 << 20)),
    ];
    let results = sink.deliver(&batch).await;
    assert!(results[0].is_ok(), "{:?}", results[0]);
    // The queue's own limit, then that of every queue.
    let why = rejected(&results[1]);
    assert!(why.contains("1024"), "{why}");
    let why = rejected(&results[2]);
    assert!(why.contains("1.0 MiB"), "{why}");
    assert_eq!(ids(&moto.messages(&queue).await), BTreeSet::from(["evt_1"]));
}

#[tokio::test]
async fn what_is_too_much_for_one_request_takes_several() {
    let moto = Moto::shared().await;
    let queue = moto.queue("several", json!({})).await;
    let sink = options(&queue).sink();
    let batch: Vec<_> = (1..6).map(|id| message(id, "x".repeat(400_000))).collect();
    taken(sink.deliver(&batch).await);
    assert_eq!(moto.messages(&queue).await.len(), 5);
}

#[tokio::test]
async fn an_outage_is_told_and_survived() {
    let mut moto = Moto::start().await;
    let queue = moto.queue("outage", json!({})).await;
    let sink = options(&queue).sink();
    taken(sink.deliver(&messages(1..2)).await);

    moto.kill();
    let why = retried(&sink.deliver(&messages(2..3)).await[0]);
    assert!(why.contains("/outage") && why.contains("refused"), "{why}");
    let checked = sink.check().await.expect_err("nobody is there");
    assert!(checked.to_string().contains("refused"), "{checked}");

    moto.restart().await;
    let why = retried(&sink.deliver(&messages(2..3)).await[0]);
    assert!(
        why.ends_with("create the queue, or correct `queue_url`"),
        "{why}"
    );
    moto.queue("outage", json!({})).await;
    taken_at_last(&*sink, &messages(2..3)[0]).await;
}

#[tokio::test]
async fn a_check_tells_what_the_queue_takes() {
    let moto = Moto::shared().await;
    let queue = moto
        .queue("checked", json!({ "MaximumMessageSize": "262144" }))
        .await;
    let checked = options(&queue).sink().check().await;
    assert_eq!(
        checked.expect("it is there"),
        "reachable; the queue takes messages of up to 256.0 KiB"
    );
    assert_eq!(moto.messages(&queue).await.len(), 0);
    let missing = options(&format!("{queue}-not")).sink().check().await;
    let missing = missing.expect_err("it is not there").to_string();
    assert!(missing.contains("create the queue"), "{missing}");
}

#[tokio::test]
async fn wrong_credentials_are_told_without_them() {
    // Moto refuses these in another format than the real one.
    let refusal = json!({
        "__type": "com.amazon.coral.service#UnrecognizedClientException",
        "message": "The security token included in the request is invalid.",
    });
    let refusal = (StatusCode::FORBIDDEN, Json(refusal));
    let service = Router::new().fallback(async || refusal);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, service).into_future());

    let sink = options(&format!("http://{address}/1/private")).sink();
    let failed = retried(&sink.deliver(&messages(1..2)).await[0]);
    let checked = sink.check().await.expect_err("nobody is known").to_string();
    for why in [failed, checked] {
        assert!(
            why.contains("refuses: UnrecognizedClientException: The"),
            "{why}"
        );
        assert!(why.contains("correct `access_key_id`"), "{why}");
        assert!(!why.contains("hush") && !why.contains("AKIATEST"), "{why}");
    }
}

#[tokio::test]
async fn every_event_arrives_in_spite_of_an_outage() {
    let mut moto = Moto::start().await;
    let queue = moto.queue("jobs", json!({})).await;
    let setup = Setup::sqlite()
        .environment("AWS_ACCESS_KEY_ID", "AKIATEST")
        .environment("AWS_SECRET_ACCESS_KEY", "hush")
        .config(&format!(
            "[sinks.jobs]\nkind = 'sqs'\nqueue_url = '{queue}'\nregion = 'eu-west-1'\n\
             retry = {{ initial = '50ms', max = '500ms' }}\n"
        ));
    let running = setup.start();
    let mut posted = post(&running, 0..15).await;
    all_delivered(&setup, 15).await;
    let mut received = moto.messages(&queue).await;

    // What it had is gone with it, and so is the queue.
    moto.kill();
    posted.extend(post(&running, 15..30).await);
    moto.restart().await;
    moto.queue("jobs", json!({})).await;
    all_delivered(&setup, 30).await;
    received.extend(moto.messages(&queue).await);

    assert_eq!(ids(&received), posted.iter().map(String::as_str).collect());
}
