//! What the tests of `kafka`, `sqs` and `s3` share.

use std::{fmt::Write, ops::Range};

use bytes::Bytes;
use figment::{
    Figment,
    providers::{Format, Toml},
    value::Value,
};
use huntr_receiver::{
    domain::EventId,
    sinks::{Config, Message, Receipt, Sink, SinkError},
};
use tempfile::TempDir;

use crate::{
    ledger::Ledger,
    support::{Running, Setup, action, until},
};

/// A sink's options.
pub(crate) struct Options {
    kind: &'static str,
    toml: String,
    /// Where its secrets are.
    folder: TempDir,
}

impl Options {
    pub(crate) fn of(kind: &'static str, toml: impl Into<String>) -> Self {
        Self {
            kind,
            toml: toml.into(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub(crate) fn secret(mut self, key: &str, secret: &str) -> Self {
        let file = self.folder.path().join(key);
        std::fs::write(&file, secret).expect("writing a secret");
        writeln!(self.toml, "\n{key} = \"file:{}\"", file.display()).expect("writing to a text");
        self
    }

    /// The sink, whose options have no problem.
    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        let toml = Figment::from(Toml::string(&self.toml));
        let options: Value = toml.extract().expect("a table");
        let config = Config::read(self.kind, &options).expect("options");
        assert_eq!(config.problems(), []);
        config.build().expect("a sink")
    }
}

/// A message with this body.
pub(crate) fn message(id: i64, body: impl Into<Bytes>) -> Message {
    Message {
        event: EventId(id),
        event_type: Some("JOB_CREATED".into()),
        received_at: "2026-05-04T13:30:00Z".parse().expect("a time"),
        entity: Some(format!("member-{}", id % 3)),
        content_type: "application/cloudevents+json",
        headers: vec![("x-signature", "c2ln".into())],
        body: body.into(),
    }
}

/// Messages with these ids, each with a body that has its id too.
pub(crate) fn messages(ids: Range<i64>) -> Vec<Message> {
    ids.map(|id| message(id, format!(r#"{{"id":"evt_{id}"}}"#)))
        .collect()
}

/// That all were taken.
pub(crate) fn taken(results: Vec<Result<Receipt, SinkError>>) -> Vec<Receipt> {
    let taken: Result<Vec<_>, _> = results.into_iter().collect();
    taken.expect("all taken")
}

/// Why a message may be taken later.
pub(crate) fn retried(result: &Result<Receipt, SinkError>) -> String {
    match result {
        Err(error @ SinkError::Retry { .. }) => error.to_string(),
        other => panic!("not to be tried again: {other:?}"),
    }
}

/// Why a message is never taken.
#[cfg(any(feature = "kafka", feature = "sqs"))]
pub(crate) fn rejected(result: &Result<Receipt, SinkError>) -> String {
    match result {
        Err(error @ SinkError::Reject { .. }) => error.to_string(),
        other => panic!("not rejected: {other:?}"),
    }
}

/// Waits until the sink takes the message.
pub(crate) async fn taken_at_last(sink: &dyn Sink, message: &Message) {
    let messages = [message.clone()];
    until(async || sink.deliver(&messages).await[0].is_ok().then_some(())).await;
}

/// Posts events, and tells the ids that they have in every sink.
pub(crate) async fn post(running: &Running, events: Range<u32>) -> Vec<String> {
    let mut ids = Vec::new();
    for event in events {
        let answer = running.post_signed(action(&format!("e{event}"))).await;
        assert_eq!(answer.said(), "stored");
        ids.push(format!("evt_{}", answer.event()));
    }
    ids
}

/// Waits until so many deliveries are delivered, which is all there are.
pub(crate) async fn all_delivered(setup: &Setup, count: usize) {
    let ledger = Ledger::of(setup).await;
    let count = i64::try_from(count).expect("a number");
    let delivered = "select count(*) from deliveries where state = 'delivered'";
    until(async || (ledger.number(delivered).await == count).then_some(())).await;
    assert_eq!(
        ledger.number("select count(*) from deliveries").await,
        count
    );
}
