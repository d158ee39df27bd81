//! Sinks made of lines of configuration, and messages for them.

use bytes::Bytes;
use figment::{
    Figment,
    providers::{Format, Toml},
    value::Value,
};
use huntr_receiver::{
    domain::{Clock, EventId, SystemClock},
    sinks::{Config, Message, Receipt, Sink, SinkError},
};

/// What a kind makes of these lines.
pub(super) fn read(kind: &str, toml: &str) -> figment::error::Result<Config> {
    let options: Value = Figment::from(Toml::string(toml)).extract().expect("TOML");
    Config::read(kind, &options)
}

/// The key and the sentence of all that is wrong with these lines.
pub(super) fn problems(kind: &str, toml: &str) -> Vec<(String, String)> {
    match read(kind, toml) {
        Ok(config) => config.problems(),
        Err(error) => vec![(error.path.join("."), error.kind.to_string())],
    }
}

/// The only key that has something wrong with it, and what.
pub(super) fn problem(kind: &str, toml: &str) -> (String, String) {
    let mut problems = problems(kind, toml);
    assert_eq!(problems.len(), 1, "{toml}: {problems:?}");
    problems.remove(0)
}

pub(super) fn sink(kind: &str, toml: &str) -> Box<dyn Sink> {
    let config = read(kind, toml).expect("options");
    assert_eq!(config.problems(), []);
    config.build().expect("a sink")
}

pub(super) fn message(id: i64, body: impl Into<Bytes>) -> Message {
    Message {
        event: EventId(id),
        event_type: Some("JOB_MOVED".into()),
        received_at: SystemClock.now(),
        entity: None,
        content_type: "application/cloudevents+json",
        headers: Vec::new(),
        body: body.into(),
    }
}

/// Delivers one message.
pub(super) async fn deliver(sink: &dyn Sink, message: Message) -> Result<Receipt, SinkError> {
    let mut outcomes = sink.deliver(&[message]).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// Why it is to be tried again.
pub(super) fn retry(outcome: Result<Receipt, SinkError>) -> String {
    match outcome {
        Err(SinkError::Retry { failure, .. }) => failure.what,
        other => panic!("to be tried again, and not {other:?}"),
    }
}

/// Why it is not to be tried again.
pub(super) fn rejection(outcome: Result<Receipt, SinkError>) -> String {
    match outcome {
        Err(SinkError::Reject { failure, .. }) => failure.what,
        other => panic!("rejected, and not {other:?}"),
    }
}
