//! What the senders have to say, drawn from a seed: deliveries as the vendors send them, and what strangers try.

use std::collections::VecDeque;

use bytes::Bytes;
use chrono::DateTime;
use huntr_receiver::providers::huntr::organization::Organization;
use rand::{RngExt, rngs::ChaCha8Rng};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    scenario::{Part, chance},
    strangers::{MAX_BODY, Stranger},
};

/// Stands in every body, so that a body in the log would be seen.
pub(super) const MARKER: &str = "nothing that a log may hold";

/// An authentic delivery.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) source: &'static str,
    /// The key of deduplication besides the source.
    pub(super) id: String,
    pub(super) body: Bytes,
    /// How often it is tried until there is a 200.
    pub(super) tries: u32,
}

/// What happens next.
pub(super) enum Posting {
    Once(Letter),
    /// At the same moment.
    Twice(Letter),
    Stranger(Stranger),
}

/// Tried until it is taken: Hunty does so for hours.
pub(super) const FOR_EVER: u32 = u32::MAX;

const MEMBERS: u32 = 100;
/// Of which the sender may think that they did not arrive.
const REMEMBERED: usize = 200;
/// The organisation's last second.
const ENDS_AT: i64 = 1_796_000_000;

/// Says what happens next, for ever.
pub(super) struct Mail {
    chance: ChaCha8Rng,
    arrivals: Box<dyn Iterator<Item = String> + Send>,
    recent: VecDeque<Letter>,
    count: u64,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

impl Mail {
    pub(super) fn new(seed: u64) -> Self {
        let ends_at = DateTime::from_timestamp(ENDS_AT, 0).expect("a time");
        let organizations = (0..).map(move |number: u64| {
            let organization = Organization::new(MEMBERS, seed.wrapping_add(number), ends_at);
            organization.map(|arrival| arrival.body)
        });
        Self {
            chance: chance(seed, Part::Mail),
            arrivals: Box::new(organizations.flatten()),
            recent: VecDeque::with_capacity(REMEMBERED),
            count: 0,
        }
    }

    pub(super) fn next(&mut self) -> Posting {
        self.count += 1;
        let letter = match self.chance.random_range(0..100) {
            0..80 => self.huntr(),
            80..86 => self.hunty(),
            86 => self.not_understood(),
            87..91 => self.known(),
            91 => self.other_body_of_known(),
            92..95 => {
                let letter = self.huntr();
                self.remember(&letter);
                return Posting::Twice(letter);
            }
            _ => return Posting::Stranger(Stranger::number(self.count, &mut self.chance)),
        };
        self.remember(&letter);
        Posting::Once(letter)
    }

    fn remember(&mut self, letter: &Letter) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(letter.clone());
    }

    /// Huntr documents no retries, so only some are tried again.
    fn huntr(&mut self) -> Letter {
        let mut body = self.arrivals.next().expect("one more");
        let Identified { id } = serde_json::from_str(&body).expect("an Action");
        mark(&mut body, MARKER);
        let tries = if self.chance.random() { 1 } else { 5 };
        letter("huntr", id, body, tries)
    }

    fn hunty(&mut self) -> Letter {
        let (webhook, key) = ("wh_7mKq2ZtR9c", format!("key-{}", self.count));
        let mut body = if self.chance.random() {
            format!(
                r#"{{"WebhookId":"{webhook}","IdempotencyId":"{key}","Domain":"candidate","Event":"CandidateStatusTransitionedEvent","Version":1,"Timestamp":1784042431482,"Payload":{{"Id":"cnd_{}"}}}}"#,
                self.count
            )
        } else {
            format!(
                r#"{{"webhookId":"{webhook}","idempotencyId":"{key}","domain":"candidate","event":"CandidateStatusTransitionedEvent","version":2,"timestamp":1784042431482,"payload":{{"id":"cnd_{}"}}}}"#,
                self.count
            )
        };
        mark(&mut body, MARKER);
        letter("hunty", format!("{webhook}/{key}"), body, FOR_EVER)
    }

    /// Authentic, and not JSON; short or long.
    fn not_understood(&mut self) -> Letter {
        let filling = "x".repeat(self.chance.random_range(0..MAX_BODY / 2));
        let body = format!("{MARKER}, number {}, {filling}", self.count);
        let id = format!(
            "sha256:{}",
            base16ct::lower::encode_string(&Sha256::digest(&body))
        );
        letter("huntr", id, body, 5)
    }

    fn known(&mut self) -> Letter {
        match self.recent.len() {
            0 => self.huntr(),
            known => self.recent[self.chance.random_range(0..known)].clone(),
        }
    }

    fn other_body_of_known(&mut self) -> Letter {
        let known = self.known();
        // What has no id is another delivery when its body is another.
        if known.id.starts_with("sha256:") {
            return known;
        }
        let mut body = String::from_utf8(known.body.to_vec()).expect("JSON");
        mark(&mut body, &format!("another {}", self.count));
        Letter {
            body: body.into(),
            ..known
        }
    }
}

/// Adds a key to an object.
fn mark(body: &mut String, mark: &str) {
    let end = body.rfind('}').expect("an object");
    let key = if mark == MARKER { "remark" } else { "other" };
    body.replace_range(end.., &format!(",\"{key}\":\"{mark}\"}}"));
}

fn letter(source: &'static str, id: String, body: String, tries: u32) -> Letter {
    Letter {
        source,
        id,
        body: body.into(),
        tries,
    }
}
