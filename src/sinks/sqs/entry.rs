//! What a message is in SQS: a text of XML's characters, with attributes.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_sqs::{
    error::BuildError,
    types::{MessageAttributeValue, SendMessageBatchRequestEntry},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::{MOST_BYTES, Message, SinkError};

/// More attributes than these are refused.
const MOST_ATTRIBUTES: usize = 10;
/// The longest name a group may have.
const LONGEST_GROUP: usize = 128;
/// Where the events go that are about nothing.
const OTHERS: &str = "events";

/// A message, ready to be sent.
pub(super) struct Entry {
    /// Which of the messages given it is, and its id in the request.
    pub(super) index: usize,
    /// As they are counted against the limits.
    pub(super) bytes: usize,
    body: String,
    attributes: Vec<(&'static str, String)>,
    fifo: Option<Fifo>,
}

/// What a FIFO queue wants to know.
struct Fifo {
    group: String,
    deduplication: String,
}

impl Entry {
    /// # Errors
    ///
    /// When no queue would take it.
    pub(super) fn of(index: usize, message: &Message, is_fifo: bool) -> Result<Self, SinkError> {
        if message.body.is_empty() {
            return Err(SinkError::reject("it is empty, which SQS does not take"));
        }
        let (body, encoding) = match str::from_utf8(&message.body) {
            Ok(text) if is_text(text) => (text.to_owned(), None),
            _ => (BASE64_STANDARD.encode(&message.body), Some("base64")),
        };
        let attributes = attributes(message, encoding);
        // A name, a value, and "String".
        let of_attribute =
            |(name, value): &(&str, String)| name.len() + value.len() + "String".len();
        let bytes = body.len() + attributes.iter().map(of_attribute).sum::<usize>();
        if bytes > MOST_BYTES {
            return Err(SinkError::reject(format!(
                "its {bytes} bytes are more than SQS takes, which is {}",
                bytesize::ByteSize::b(MOST_BYTES as u64)
            )));
        }
        let fifo = is_fifo.then(|| Fifo {
            group: group(message.entity.as_deref()).into_owned(),
            deduplication: message.id(),
        });
        Ok(Self {
            index,
            bytes,
            body,
            attributes,
            fifo,
        })
    }

    pub(super) fn to_request(&self) -> Result<SendMessageBatchRequestEntry, BuildError> {
        let mut attributes = HashMap::with_capacity(self.attributes.len());
        for (name, value) in &self.attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value);
            attributes.insert((*name).to_owned(), value.build()?);
        }
        let fifo = self.fifo.as_ref();
        SendMessageBatchRequestEntry::builder()
            .id(self.index.to_string())
            .message_body(&self.body)
            .set_message_attributes(Some(attributes))
            .set_message_group_id(fifo.map(|fifo| fifo.group.clone()))
            .set_message_deduplication_id(fifo.map(|fifo| fifo.deduplication.clone()))
            .build()
    }
}

/// Our own first, so that they are there whatever else is.
fn attributes(message: &Message, encoding: Option<&str>) -> Vec<(&'static str, String)> {
    let own = [
        ("id", Some(message.id())),
        ("type", message.event_type.clone()),
        ("content-type", Some(message.content_type.to_owned())),
        ("entity", message.entity.clone()),
        ("encoding", encoding.map(str::to_owned)),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let others = message.headers.iter().cloned();
    own.chain(others)
        .filter(|(_, value)| !value.is_empty() && is_text(value))
        .take(MOST_ATTRIBUTES)
        .collect()
}

/// SQS speaks of XML: no control characters but tab and line breaks, and no U+FFFE and U+FFFF.
fn is_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..))
}

/// What is about one thing stays in order.
fn group(entity: Option<&str>) -> Cow<'_, str> {
    let is_group = |name: &str| {
        (1..=LONGEST_GROUP).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match entity {
        Some(entity) if is_group(entity) => entity.into(),
        Some(entity) if !entity.is_empty() => {
            base16ct::lower::encode_string(&Sha256::digest(entity)).into()
        }
        _ => OTHERS.into(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;

    use super::{Entry, MOST_BYTES, SinkError, group};
    use crate::{
        domain::EventId,
        sinks::{Message, sqs::MOST_AT_ONCE},
    };

    /// A message with this body.
    pub(in crate::sinks::sqs) fn message(body: Bytes) -> Message {
        Message {
            event: EventId(7),
            event_type: Some("JOB_CREATED".into()),
            received_at: "2026-05-04T13:00:00Z".parse().expect("a time"),
            entity: Some("m1".into()),
            content_type: "application/json",
            headers: vec![("signature", "c2ln".into())],
            body,
        }
    }

    fn entry(body: impl Into<Bytes>) -> Entry {
        Entry::of(0, &message(body.into()), true).expect("an entry")
    }

    #[test]
    fn a_text_is_sent_as_it_is_and_anything_else_in_base64() {
        let text = entry("{\"a\":\"ü\t\u{1F600}\"}\n");
        assert_eq!(text.body, "{\"a\":\"ü\t\u{1F600}\"}\n");
        assert!(text.attributes.iter().all(|(name, _)| *name != "encoding"));
        for body in [&b"\xff"[..], b"\0", b"\x1b[0m", "\u{FFFF}".as_bytes()] {
            let entry = entry(body.to_vec());
            assert!(
                entry.attributes.contains(&("encoding", "base64".into())),
                "{body:?}"
            );
        }
        assert_eq!(entry(&b"\0"[..]).body, "AA==");
    }

    #[test]
    fn it_is_described_by_its_attributes() {
        let attributes = entry("{}").attributes;
        let expected = [
            ("id", "evt_7"),
            ("type", "JOB_CREATED"),
            ("content-type", "application/json"),
            ("entity", "m1"),
            ("signature", "c2ln"),
        ];
        assert_eq!(
            attributes,
            expected.map(|(name, value)| (name, value.to_owned()))
        );
        let mut message = message("{}".into());
        message.entity = Some(String::new());
        message.headers = vec![("odd", "\u{1}".into()), ("many", "x".into())];
        message.headers.resize(20, ("many", "x".into()));
        let entry = Entry::of(0, &message, false).expect("an entry");
        assert_eq!(entry.attributes.len(), MOST_AT_ONCE);
        assert!(
            entry
                .attributes
                .iter()
                .all(|(name, _)| !["odd", "entity"].contains(name))
        );
    }

    #[test]
    fn what_no_queue_takes_is_final() {
        for body in [Bytes::new(), Bytes::from(vec![b'x'; MOST_BYTES])] {
            let refused = Entry::of(0, &message(body), false);
            assert!(matches!(refused, Err(SinkError::Reject { .. })));
        }
    }

    #[test]
    fn a_group_has_a_name_that_is_allowed() {
        assert_eq!(group(Some("m1")), "m1");
        assert_eq!(group(None), "events");
        assert_eq!(group(Some("")), "events");
        for odd in ["a b", "ü", &"x".repeat(129)] {
            assert_eq!(group(Some(odd)).len(), 64);
        }
    }
}
