//! `kafka` against librdkafka's own brokers.

use std::collections::BTreeSet;

use super::{
    brokers::kafka::{Cluster, Record, Refusing},
    clouds::{
        Options, all_delivered, message, messages, post, rejected, retried, taken, taken_at_last,
    },
};
use crate::support::Setup;

fn options(brokers: &str, more: &str) -> Options {
    let brokers: Vec<_> = brokers.split(',').collect();
    Options::of(
        "kafka",
        format!("brokers = {brokers:?}\ntopic = 'events'\n{more}"),
    )
}

#[tokio::test]
async fn a_record_has_its_key_headers_and_body() {
    let cluster = Cluster::with_topic("events");
    let sink = options(&cluster.brokers(), "compression = 'gzip'").sink();
    let mut batch = messages(1..101);
    batch[1].entity = None;
    batch[1].event_type = None;
    taken(sink.deliver(&batch).await);

    let records = cluster.records("events", 100);
    let record = |id: &str| {
        let found = records
            .iter()
            .find(|record| record.header("id") == Some(id));
        found.expect("the record")
    };
    let first = record("evt_1");
    assert_eq!(first.key.as_deref(), Some("member-1"));
    assert_eq!(first.body, br#"{"id":"evt_1"}"#);
    for (name, value) in [
        ("type", "JOB_CREATED"),
        ("content-type", "application/cloudevents+json"),
        ("x-signature", "c2ln"),
    ] {
        assert_eq!(first.header(name), Some(value));
    }
    let second = record("evt_2");
    assert_eq!((second.key.as_deref(), second.header("type")), (None, None));
    assert_eq!(
        record("evt_4").partition,
        first.partition,
        "they have one key"
    );
    sink.close().await;
}

#[tokio::test]
async fn an_outage_is_told_and_survived() {
    let cluster = Cluster::with_topic("events");
    let sink = options(&cluster.brokers(), "timeout = '2s'").sink();
    taken(sink.deliver(&messages(1..2)).await);

    cluster.down();
    let why = retried(&sink.deliver(&messages(2..3)).await[0]);
    assert!(
        why.contains("no answer from the brokers 127.0.0.1:"),
        "{why}"
    );
    assert!(why.contains("within 1s 600ms: "), "{why}");

    cluster.up();
    taken_at_last(&*sink, &messages(3..4)[0]).await;
    let ids: BTreeSet<_> = cluster
        .records("events", 2)
        .iter()
        .map(Record::id)
        .collect();
    assert!(ids.contains("evt_1") && ids.contains("evt_3"), "{ids:?}");
}

#[tokio::test]
async fn a_producer_that_came_to_an_end_is_replaced() {
    let cluster = Cluster::with_topic("events");
    let sink = options(&cluster.brokers(), "timeout = '2s'").sink();
    taken(sink.deliver(&messages(1..2)).await);
    cluster.lose_sequence();
    let failed = sink.deliver(&messages(2..3)).await;
    retried(&failed[0]);
    taken_at_last(&*sink, &messages(3..4)[0]).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_rejected_alone() {
    let cluster = Cluster::with_topic("events");
    let sink = options(&cluster.brokers(), "max_message_size = '100 kB'").sink();
    let results = sink
        .deliver(&[message(1, "{}"), message(2, "x".repeat(150_000))])
        .await;
    assert!(results[0].is_ok(), "{:?}", results[0]);
    let why = rejected(&results[1]);
    assert!(why.contains("its 150000 bytes"), "{why}");
}

#[tokio::test]
async fn a_broker_that_takes_no_large_messages_rejects_only_these() {
    let cluster = Cluster::with_topic("events");
    let sink = options(&cluster.brokers(), "").sink();
    cluster.refuse_as_too_large();
    rejected(&sink.deliver(&[message(1, "x".repeat(150_000))]).await[0]);
    cluster.refuse_as_too_large();
    let why = retried(&sink.deliver(&[message(2, "{}")]).await[0]);
    assert!(
        why.contains("raise max.message.bytes of topic events"),
        "{why}"
    );
    taken(sink.deliver(&[message(3, "{}")]).await);
}

#[tokio::test]
async fn a_check_tells_what_is_there() {
    let cluster = Cluster::with_topic("events");
    let checked = options(&cluster.brokers(), "").sink().check().await;
    assert_eq!(
        checked.expect("it is there"),
        "reachable; topic events has 4 partitions"
    );

    let other = Cluster::with_topic("other");
    let sink = options(&other.brokers(), "").sink();
    let missing = sink.check().await.expect_err("it is not there").to_string();
    assert!(missing.contains("topic events does not exist"), "{missing}");
    let again = sink.check().await;
    assert!(again.is_err(), "the check has made no topic");

    other.down();
    let sink = options(&other.brokers(), "timeout = '1s'").sink();
    let gone = sink.check().await.expect_err("nobody is there").to_string();
    assert!(gone.contains("no answer from the brokers"), "{gone}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let broker = Refusing::start().await;
    let security = "timeout = '2s'\nusername = 'receiver'\nsasl_mechanism = 'SCRAM-SHA-512'";
    let sink = options(&broker.address(), security)
        .secret("password", "hunter2")
        .sink();
    let failed = retried(&sink.deliver(&messages(1..2)).await[0]);
    let checked = sink.check().await.expect_err("nobody is known").to_string();
    for why in [failed, checked] {
        assert!(why.contains("no such user, or another password"), "{why}");
        assert!(!why.contains("hunter2"), "{why}");
    }
}

#[tokio::test]
async fn a_broker_without_tls_is_told() {
    let cluster = Cluster::with_topic("events");
    let sink = options(&cluster.brokers(), "timeout = '2s'\ntls = true").sink();
    let why = retried(&sink.deliver(&messages(1..2)).await[0]);
    assert!(why.contains("SSL"), "{why}");
}

#[tokio::test]
async fn every_event_arrives_in_spite_of_an_outage() {
    let cluster = Cluster::with_topic("events");
    let brokers: Vec<_> = cluster.brokers().split(',').map(str::to_owned).collect();
    let setup = Setup::sqlite().config(&format!(
        "[sinks.stream]\nkind = 'kafka'\nbrokers = {brokers:?}\ntopic = 'events'\ntimeout = '2s'\n\
         retry = {{ initial = '50ms', max = '500ms' }}\n"
    ));
    let running = setup.start();
    let mut posted = post(&running, 0..15).await;
    cluster.down();
    posted.extend(post(&running, 15..30).await);
    cluster.up();
    all_delivered(&setup, 30).await;

    let posted: BTreeSet<_> = posted.into_iter().collect();
    let records = cluster.records("events", 30);
    assert_eq!(
        records.iter().map(Record::id).collect::<BTreeSet<_>>(),
        posted
    );
}
