//! The options that sinks of every kind have.

use std::{collections::BTreeSet, num::NonZeroUsize, time::Duration};

use serde::Deserialize;

use super::{Filter, Template};
use crate::units;

/// What sinks of every kind have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// The event types it wants; all when left out.
    pub types: Option<BTreeSet<String>>,
    /// Which of these it wants, by what they say.
    pub when: Option<Filter>,
    /// Whether deliveries about one thing are made one after the other.
    pub order_by: Option<OrderBy>,
    /// How many calls to it are under way at once, at most.
    #[serde(default = "eight")]
    pub concurrency: NonZeroUsize,
    /// How long one call may take.
    #[serde(default = "ten_seconds", deserialize_with = "units::timeout")]
    pub timeout: Duration,
    /// When a failed delivery runs again, and how long.
    #[serde(default)]
    pub retry: Retry,
    /// What is sent.
    format: Option<FormatName>,
    /// The text for `format = "template"`.
    pub template: Option<Template>,
}

/// `order_by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderBy {
    /// The member or entity the event is about.
    Entity,
}

/// `retry`: exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The longest wait before the second attempt; it doubles with each one more.
    #[serde(deserialize_with = "units::timeout")]
    pub initial: Duration,
    /// The longest wait before any attempt.
    #[serde(deserialize_with = "units::timeout")]
    pub max: Duration,
    /// How long after the delivery's creation or replay it is given up.
    #[serde(deserialize_with = "units::timeout")]
    pub give_up_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_mins(10),
            give_up_after: Duration::from_hours(3 * 24),
        }
    }
}

/// What is sent for an event.
#[derive(Debug, Clone)]
pub enum Format {
    /// A CloudEvent in JSON.
    CloudEvents,
    /// The bytes as they were received.
    Raw,
    /// The text that a template makes.
    Template(Template),
    /// A sentence for people.
    Headline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    CloudEvents,
    Raw,
    Template,
}

/// A century is as good as for ever, and can be added to a time.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);
/// More calls at once than this are a typing error.
const MOST_AT_ONCE: usize = 1024;

impl Common {
    /// The options' names: what else is in a sink's table belongs to its kind.
    pub(super) const OPTIONS: [&str; 8] = [
        "types",
        "when",
        "order_by",
        "concurrency",
        "timeout",
        "retry",
        "format",
        "template",
    ];

    /// What is sent, for kinds that send what they are told to.
    #[must_use]
    pub fn format(&self) -> Format {
        match (self.format, &self.template) {
            (Some(FormatName::Raw), _) => Format::Raw,
            (Some(FormatName::Template), Some(template)) => Format::Template(template.clone()),
            _ => Format::CloudEvents,
        }
    }

    /// Whether the options say to send something other than a template's text.
    #[cfg(feature = "slack")]
    pub(super) fn names_another_format(&self) -> bool {
        self.format.is_some_and(|name| name != FormatName::Template)
    }

    /// What is wrong with the options taken together, for a kind that sends this: pairs of a key and a sentence.
    pub(super) fn problems(&self, sent: &Format) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: &str| problems.push((key.to_owned(), why.to_owned()));
        if self.types.as_ref().is_some_and(BTreeSet::is_empty) {
            note(
                "types",
                "is empty, so the sink would get nothing; leave it out for all",
            );
        }
        if self.types.iter().flatten().any(String::is_empty) {
            note("types", "has an empty text, which is no type");
        }
        if self.concurrency.get() > MOST_AT_ONCE {
            note("concurrency", "must be from 1 to 1024");
        }
        if self.retry.initial > self.retry.max {
            note("retry.initial", "must not be longer than retry.max");
        }
        if self.retry.max > LONGEST {
            note("retry.max", "must not be longer than 36500 days");
        }
        if self.retry.give_up_after > LONGEST {
            note("retry.give_up_after", "must not be longer than 36500 days");
        }
        if self.format == Some(FormatName::Template) && self.template.is_none() {
            note("template", "is missing, and format = \"template\" needs it");
        }
        if self.template.is_some() && !matches!(sent, Format::Template(_)) {
            note("template", "is only used with format = \"template\"");
        }
        problems
    }
}

fn eight() -> NonZeroUsize {
    NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}
