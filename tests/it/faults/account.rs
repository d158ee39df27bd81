//! The senders' side of the story: what was sent, and what the receiver said to it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bytes::Bytes;

use super::mail::Letter;

/// What became of a post.
#[derive(Debug)]
pub(super) enum Outcome {
    Answered(Answer),
    /// The connection broke, or there was none.
    Broken,
    /// No answer in a time in which everybody would have gone.
    Silent {
        /// When it was posted.
        at: Duration,
        /// What the client says.
        error: String,
    },
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `stored`, `duplicate`, `spooled`, or an error's code.
    pub(super) said: String,
    pub(super) event: Option<i64>,
    pub(super) says_when_to_retry: bool,
    pub(super) after: Duration,
}

/// Everything authentic under one id.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) bodies: Vec<Body>,
    /// The ids of its event, as the answers had them.
    pub(super) events: BTreeSet<i64>,
    /// How many answers said that it was new in the database.
    pub(super) stored: u32,
}

pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) acknowledged: bool,
    /// Answered as the first one under its id.
    pub(super) is_first: bool,
}

impl Sent {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.bodies.iter().any(|body| body.acknowledged)
    }
}

/// By source and delivery id.
pub(super) type Key = (&'static str, String);

#[derive(Default)]
pub(super) struct Account {
    pub(super) sent: HashMap<Key, Sent>,
    /// How often each answer was given.
    pub(super) answers: BTreeMap<String, u64>,
    /// How long the 200s took, in milliseconds.
    pub(super) took: Vec<f64>,
    /// Answers that must not be.
    pub(super) violations: Vec<String>,
}

impl Account {
    /// Before it is sent: nobody knows when it arrives.
    pub(super) fn sends(&mut self, letter: &Letter) {
        let sent = self.sent.entry(key(letter)).or_default();
        if !sent.bodies.iter().any(|body| body.bytes == letter.body) {
            sent.bodies.push(Body {
                bytes: letter.body.clone(),
                acknowledged: false,
                is_first: false,
            });
        }
    }

    /// Takes an answer down; whether it was a 200.
    pub(super) fn answered(&mut self, letter: &Letter, outcome: &Outcome) -> bool {
        let answer = match outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Broken => return self.count("no connection, or a broken one"),
            Outcome::Silent { at, error } => {
                let (id, at) = (&letter.id, at.as_secs_f64());
                self.violations.push(format!(
                    "{id}, posted at {at:.3}, was never answered: {error}"
                ));
                return self.count("never answered");
            }
        };
        self.count(&format!("{} {}", answer.status, answer.said));
        match answer.status {
            200 => self.acknowledged(letter, answer),
            503 if answer.says_when_to_retry => {}
            _ => self
                .violations
                .push(format!("{} is authentic: {answer:?}", letter.id)),
        }
        answer.status == 200
    }

    fn acknowledged(&mut self, letter: &Letter, answer: &Answer) {
        self.took.push(answer.after.as_secs_f64() * 1000.0);
        let sent = self.sent.get_mut(&key(letter)).expect("it was sent");
        let body = sent.bodies.iter_mut();
        let body = body.filter(|body| body.bytes == letter.body);
        let is_first = answer.said == "stored";
        for body in body {
            body.acknowledged = true;
            body.is_first |= is_first;
        }
        sent.stored += u32::from(is_first);
        sent.events.extend(answer.event);
        let says_where = answer.event.is_some();
        let is_known = match answer.said.as_str() {
            "stored" | "duplicate" => says_where,
            "spooled" => !says_where,
            _ => false,
        };
        if !is_known {
            self.violations
                .push(format!("{} got a strange 200: {answer:?}", letter.id));
        }
    }

    /// What a stranger got.
    pub(super) fn stranger(&mut self, stranger: &str, allowed: bool, status: Option<u16>) {
        let status = status.map_or_else(|| "closed".to_owned(), |status| status.to_string());
        self.count(&format!("{status} for {stranger}"));
        if !allowed {
            self.violations.push(format!("{stranger} got {status}"));
        }
    }

    fn count(&mut self, answer: &str) -> bool {
        *self.answers.entry(answer.to_owned()).or_default() += 1;
        false
    }

    /// Within how many milliseconds this share of the 200s came.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut took = self.took.clone();
        took.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a short list"
        )]
        let place = (took.len() as f64 * share).ceil() as usize;
        took.get(place.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

fn key(letter: &Letter) -> Key {
    (letter.source, letter.id.clone())
}
