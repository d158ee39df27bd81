//! What every kind of sink is: it takes messages, and tells for each what became of it.

use std::{error::Error, fmt, time::Duration};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;

use crate::domain::{EventId, Timestamp};

/// A place that events are delivered to.
///
/// A sink connects when it is first needed and again when it has lost its connection, so that making one never
/// waits. Whoever calls [`deliver`](Sink::deliver) limits its time: the future may be dropped at any point,
/// after which the same messages come again.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// How many messages it takes at once, at most.
    fn max_batch(&self) -> usize {
        1
    }

    /// How long messages may be gathered for one batch, for sinks that would rather be told of many at once.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }

    /// Delivers messages, and tells for each, in the order given, whether the sink has it.
    ///
    /// An `Ok` says that the other side has confirmed it. A message that comes again has the same id.
    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>>;

    /// Whether it can be reached, and would take messages; sends none and changes nothing.
    ///
    /// # Errors
    ///
    /// Why not, and what to do.
    async fn check(&self) -> Result<String, SinkError>;

    /// Gives back what it holds; what is buffered is written.
    async fn close(&self) {}
}

/// What is sent for one event.
#[derive(Debug, Clone)]
pub struct Message {
    /// The event: `evt_<id>` is the message's id on every transport, the same for every attempt.
    pub event: EventId,
    /// What happened, in the sender's word.
    pub event_type: Option<String>,
    /// When it arrived here.
    pub received_at: Timestamp,
    /// The id of the member or entity it is about.
    pub entity: Option<String>,
    /// The media type of the body.
    pub content_type: &'static str,
    /// Headers that belong to the body, for transports that have headers: pairs of a name in lower case and
    /// a value.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes to send.
    pub body: Bytes,
}

impl Message {
    /// The id on every transport.
    #[must_use]
    pub fn id(&self) -> String {
        format!("evt_{}", self.event)
    }

    /// The body as one line, for transports that separate messages by line breaks.
    ///
    /// In JSON a line break can only stand between values, where it means as much as a blank. A body that is
    /// not JSON becomes `{"data_base64":"…"}`.
    #[must_use]
    pub fn line(&self) -> Bytes {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok();
        if !is_json {
            let data = BASE64_STANDARD.encode(&self.body);
            return serde_json::json!({ "data_base64": data })
                .to_string()
                .into();
        }
        if !self.body.iter().any(|byte| is_line_break(*byte)) {
            return self.body.clone();
        }
        let line = self.body.iter();
        line.map(|&byte| if is_line_break(byte) { b' ' } else { byte })
            .collect()
    }
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// What a sink said when it took a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The status of its answer, where the transport has one.
    pub status_code: Option<u16>,
    /// The beginning of its answer, where the transport has one: 1 KB at most.
    pub response: Option<String>,
}

/// Why a message was not taken. The sink that failed decides whether it may be tried again.
#[derive(Debug)]
pub enum SinkError {
    /// It may be taken later.
    Retry {
        /// Not before so long, as the sink has asked.
        after: Option<Duration>,
        /// What happened.
        failure: Failure,
    },
    /// It would never be taken.
    Reject {
        /// What happened.
        failure: Failure,
        /// What is wrong.
        fault: Fault,
    },
}

/// What is wrong when something would never be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This message. Others may be taken.
    Message,
    /// The sink, as it is set up: an address or a login that is not good. It would take nothing else either.
    Setup,
}

/// What happened, in words for people, without a word of the message.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// What the sink answered, as far as it did.
    pub receipt: Receipt,
}

impl SinkError {
    /// It may be taken later.
    pub fn retry(what: impl Into<Failure>) -> Self {
        Self::Retry {
            after: None,
            failure: what.into(),
        }
    }

    /// It would never be taken.
    pub fn reject(what: impl Into<Failure>) -> Self {
        Self::Reject {
            failure: what.into(),
            fault: Fault::Message,
        }
    }

    /// What happened.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Retry { failure, .. } | Self::Reject { failure, .. } => failure,
        }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure().what)
    }
}

impl Error for SinkError {}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self {
            what,
            receipt: Receipt::default(),
        }
    }
}

impl From<&str> for Failure {
    fn from(what: &str) -> Self {
        what.to_owned().into()
    }
}
