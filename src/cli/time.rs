//! Points in time as people type them.

use chrono::{NaiveDate, NaiveTime};

use crate::domain::{Clock, SystemClock, Timestamp};

/// `2026-11-21T10:00:00Z`, `2026-11-21` (its beginning, UTC), or `3d` (so long ago).
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    humantime::parse_duration(text)
        .ok()
        .and_then(|ago| {
            SystemClock
                .now()
                .checked_sub_signed(chrono::Duration::from_std(ago).ok()?)
        })
        .ok_or_else(|| {
            "expected a time like 2026-11-21T10:00:00Z, a day like 2026-11-21, or an age like 3d"
                .into()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(parse("2026-11-21"), parse("2026-11-21T00:00:00Z"));
        assert!(parse("3d").expect("an age") < SystemClock.now());
        assert!(parse("yesterday").is_err());
    }
}
