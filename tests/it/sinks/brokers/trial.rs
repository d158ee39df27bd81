//! A sink on trial: made of its configuration, and given messages.

use std::time::Duration;

use figment::{
    Figment,
    providers::{Format, Toml},
    value::Value,
};
use huntr_receiver::{
    domain::{Clock, EventId, SystemClock},
    sinks::{Config, Message, Receipt, Sink, SinkError},
};

use crate::{
    ledger::Ledger,
    support::{Running, Setup, action, until},
};

/// A sink with these options in TOML.
pub(crate) fn sink(kind: &str, options: &str) -> Box<dyn Sink> {
    let config = config(kind, options).expect("the options");
    // As the program does when it starts; another test may have done it.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    assert_eq!(config.problems(), []);
    config.build().expect("a sink")
}

/// What is wrong with these options in TOML, as `key: why`.
pub(crate) fn problems(kind: &str, options: &str) -> Vec<String> {
    match config(kind, options) {
        Ok(config) => {
            let problems = config.problems().into_iter();
            problems.map(|(key, why)| format!("{key}: {why}")).collect()
        }
        Err(error) => error
            .into_iter()
            .map(|error| format!("{}: {}", error.path.join("."), error.kind))
            .collect(),
    }
}

fn config(kind: &str, options: &str) -> figment::error::Result<Config> {
    let options: Value = Figment::from(Toml::string(options))
        .extract()
        .expect("TOML");
    Config::read(kind, &options)
}

/// A message about an event with this number.
pub(crate) fn message(event: i64) -> Message {
    Message {
        event: EventId(event),
        event_type: Some("JOB_CREATED".into()),
        received_at: SystemClock.now(),
        entity: Some("member-1".into()),
        content_type: "application/cloudevents+json",
        headers: vec![("signature", "as it was sent".into())],
        body: format!(r#"{{"event":{event}}}"#).into(),
    }
}

/// A message with a body of so many bytes.
pub(crate) fn large_message(event: i64, bytes: usize) -> Message {
    Message {
        body: vec![b'x'; bytes].into(),
        ..message(event)
    }
}

/// Delivers these messages, of which each is taken.
pub(crate) async fn deliver(sink: &dyn Sink, messages: &[Message]) {
    for result in sink.deliver(messages).await {
        assert_eq!(result.expect("a receipt"), Receipt::default());
    }
}

/// Delivers a message that cannot be taken now, and tells why.
pub(crate) async fn refused_for_now(sink: &dyn Sink, message: &Message) -> String {
    match only(sink, message).await {
        Err(SinkError::Retry { failure, .. }) => failure.what,
        other => panic!("a failure for now, not {other:?}"),
    }
}

/// Delivers a message that can never be taken, and tells why.
pub(crate) async fn refused_for_good(sink: &dyn Sink, message: &Message) -> String {
    match only(sink, message).await {
        Err(SinkError::Reject { failure, .. }) => failure.what,
        other => panic!("a refusal, not {other:?}"),
    }
}

/// Delivers a message again and again until it is taken.
pub(crate) async fn deliver_at_last(sink: &dyn Sink, message: &Message) {
    until(async || only(sink, message).await.ok()).await;
}

/// Delivers a message to a server that does not answer, for as long as a caller's patience lasts.
pub(crate) async fn run_out_of_time(sink: &dyn Sink, message: &Message) {
    let delivering = only(sink, message);
    let patience = Duration::from_millis(200);
    let outcome = tokio::time::timeout(patience, delivering).await;
    assert!(outcome.is_err(), "{outcome:?}");
}

async fn only(sink: &dyn Sink, message: &Message) -> Result<Receipt, SinkError> {
    let mut results = sink.deliver(std::slice::from_ref(message)).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// Posts so many events, the first with the id `e<from>`.
pub(crate) async fn post(receiver: &Running, events: std::ops::Range<u32>) {
    for number in events {
        let answer = receiver.post_signed(action(&format!("e{number}"))).await;
        assert_eq!(answer.said(), "stored");
    }
}

/// Waits until every one of so many events is delivered, and gives the ids their messages had.
pub(crate) async fn delivered(setup: &Setup, events: u32) -> Vec<String> {
    let ledger = Ledger::of(setup).await;
    let delivered = "select count(*) from deliveries where state = 'delivered'";
    until(async || (ledger.number(delivered).await == i64::from(events)).then_some(())).await;
    let all = "select count(*) from deliveries";
    assert_eq!(ledger.number(all).await, i64::from(events));
    let events = ledger.events().await;
    events
        .iter()
        .map(|event| format!("evt_{}", event.summary.id))
        .collect()
}
