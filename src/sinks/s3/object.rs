//! What is put into S3: the messages of one hour, a line each, under a name that the same messages always have.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use bytes::Bytes;
use chrono::{DurationRound, TimeDelta};
use flate2::{Compression, write::GzEncoder};
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::Message;
use crate::domain::Timestamp;

/// As much of the digest as tells batches apart that begin alike.
const DIGEST_BYTES: usize = 6;

/// Messages that go into one object.
pub(super) struct Object<'a> {
    /// Which of the messages given they are.
    pub(super) indices: Vec<usize>,
    messages: Vec<&'a Message>,
    hour: Timestamp,
}

/// The messages by the hour in which they arrived, each hour's in the order of their ids.
pub(super) fn by_hour(messages: &[Message]) -> Vec<Object<'_>> {
    let mut hours: BTreeMap<Timestamp, Vec<usize>> = BTreeMap::new();
    for (index, message) in messages.iter().enumerate() {
        let hour = message.received_at.duration_trunc(TimeDelta::hours(1));
        hours
            .entry(hour.unwrap_or(message.received_at))
            .or_default()
            .push(index);
    }
    let object = |(hour, mut indices): (Timestamp, Vec<usize>)| {
        indices.sort_by_key(|index| messages[*index].event);
        let messages = indices.iter().map(|index| &messages[*index]).collect();
        Object {
            indices,
            messages,
            hour,
        }
    };
    hours.into_iter().map(object).collect()
}

impl Object<'_> {
    /// A batch that comes again overwrites itself: its name is made of what is in it.
    pub(super) fn path(&self, prefix: &str) -> Path {
        let mut digest = Sha256::new();
        for message in &self.messages {
            digest.update(message.id());
            digest.update("\n");
        }
        let digest = base16ct::lower::encode_string(&digest.finalize()[..DIGEST_BYTES]);
        let first = self
            .messages
            .first()
            .map(|message| message.id())
            .unwrap_or_default();
        let count = self.messages.len();
        let folder = self.hour.format("%Y/%m/%d/%H");
        Path::from(format!(
            "{prefix}/{folder}/{first}-{count}-{digest}.ndjson.gz"
        ))
    }

    pub(super) fn lines(&self) -> Vec<Bytes> {
        self.messages.iter().map(|message| message.line()).collect()
    }
}

/// Each line with its end, compressed; the same bytes for the same lines.
pub(super) fn gzip(lines: &[Bytes]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for line in lines {
        encoder.write_all(line)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::{by_hour, gzip};
    use crate::{domain::EventId, sinks::Message};

    fn message(id: i64, received_at: &str) -> Message {
        Message {
            event: EventId(id),
            event_type: None,
            received_at: received_at.parse().expect("a time"),
            entity: None,
            content_type: "application/json",
            headers: Vec::new(),
            body: format!("{{\n\"id\":{id}}}").into(),
        }
    }

    #[test]
    fn an_hour_is_an_object_and_a_batch_has_one_name() {
        let messages = [
            message(3, "2026-05-04T13:59:59.999Z"),
            message(4, "2026-05-04T14:00:00Z"),
            message(2, "2026-05-04T13:00:00Z"),
        ];
        let objects = by_hour(&messages);
        let indices: Vec<_> = objects
            .iter()
            .map(|object| object.indices.clone())
            .collect();
        assert_eq!(indices, [vec![2, 0], vec![1]]);
        let path = objects[0].path("a/b").to_string();
        assert!(path.starts_with("a/b/2026/05/04/13/evt_2-2-"), "{path}");
        assert!(path.ends_with(".ndjson.gz"), "{path}");
        let reversed = [messages[2].clone(), messages[0].clone()];
        assert_eq!(by_hour(&reversed)[0].path("a/b").to_string(), path);
        let other = [messages[2].clone(), message(9, "2026-05-04T13:00:00Z")];
        assert_ne!(by_hour(&other)[0].path("a/b").to_string(), path);
        assert!(
            objects[0]
                .path("")
                .to_string()
                .starts_with("2026/05/04/13/")
        );
    }

    #[test]
    fn an_object_is_lines_of_json() {
        let messages = [
            message(1, "2026-05-04T13:00:00Z"),
            message(2, "2026-05-04T13:00:00Z"),
        ];
        let lines = by_hour(&messages)[0].lines();
        let (one, two) = (gzip(&lines).expect("gzip"), gzip(&lines).expect("gzip"));
        assert_eq!(one, two, "no time of its own");
        let mut text = String::new();
        GzDecoder::new(&one[..])
            .read_to_string(&mut text)
            .expect("gzip");
        assert_eq!(text, "{ \"id\":1}\n{ \"id\":2}\n");
    }
}
