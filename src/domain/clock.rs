//! Time as an argument: what the receiver calls "now", and how it writes a time down.

use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde::Serializer;

/// A moment in UTC. What is stored has whole milliseconds, on every backend.
pub type Timestamp = DateTime<Utc>;

/// Where "now" comes from, so that tests can say what time it is.
pub trait Clock: Send + Sync {
    /// The present moment, in whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// The operating system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        whole_millis(Utc::now())
    }
}

/// The one way a time is written where it is text: `2026-11-21T10:00:00.000Z`.
///
/// The width never changes, so the texts sort as the times do.
#[must_use]
pub fn iso_millis(time: &Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// [`iso_millis`], for `#[serde(serialize_with = "…")]`.
pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&iso_millis(time))
}

/// [`serialize`] for a time that may be missing.
#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
pub(super) fn serialize_option<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

fn whole_millis(time: Timestamp) -> Timestamp {
    time.duration_trunc(TimeDelta::milliseconds(1))
        .unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_one_width() {
        let time = DateTime::from_timestamp(1_795_255_200, 0).expect("a valid time");
        assert_eq!(iso_millis(&time), "2026-11-21T10:00:00.000Z");
    }

    #[test]
    fn now_has_whole_milliseconds() {
        let now = SystemClock.now();
        assert_eq!(now.timestamp_subsec_nanos() % 1_000_000, 0);
    }
}
