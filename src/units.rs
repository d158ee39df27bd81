//! How amounts with a unit are written in the configuration.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Deserializer, de::Error};

/// `"10s"`, `"15m"`, `"3d"`. A number without a unit is refused, as it is not clear what it would mean.
///
/// # Errors
///
/// When the text is not a duration.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| {
        D::Error::custom(format!("is not a duration like \"10s\" or \"3d\": {error}"))
    })
}

/// A [`duration`] in which something is to happen, so not none at all.
///
/// # Errors
///
/// When the text is not such a duration.
pub fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    match duration(deserializer)? {
        Duration::ZERO => Err(D::Error::custom("must be longer than 0")),
        duration => Ok(duration),
    }
}

/// So many in a second, a minute or an hour: `"100/s"`, `"6000/min"`, `"100/s burst 500"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// From one to the next, when they come evenly.
    pub interval: Duration,
    /// How many may come at once; as many as in one unit of time when nothing is said.
    pub burst: NonZeroU32,
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        rate(&text).ok_or_else(|| {
            D::Error::custom(
                "is not a rate like \"100/s\", \"6000/min\", \"50000/h\" or \"100/s burst 500\"",
            )
        })
    }
}

fn rate(text: &str) -> Option<Rate> {
    let (rate, burst) = match text.split_once(" burst ") {
        Some((rate, burst)) => (rate, Some(burst)),
        None => (text, None),
    };
    let (count, unit) = rate.split_once('/')?;
    let count: NonZeroU32 = count.trim().parse().ok()?;
    let unit = match unit.trim() {
        "s" => Duration::from_secs(1),
        "min" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        _ => return None,
    };
    let interval = unit / count.get();
    Some(Rate {
        interval: (!interval.is_zero()).then_some(interval)?,
        burst: burst.map_or(Some(count), |burst| burst.trim().parse().ok())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_unit_and_may_have_a_burst() {
        let read = |text| rate(text).map(|rate| (rate.interval.as_micros(), rate.burst.get()));
        assert_eq!(read("100/s"), Some((10_000, 100)));
        assert_eq!(read("6000/min"), Some((10_000, 6000)));
        assert_eq!(read("1/h burst 5"), Some((3_600_000_000, 5)));
        for wrong in [
            "100",
            "0/s",
            "100/day",
            "-1/s",
            "1.5/s",
            "1/s burst 0",
            "1/s burst",
            "1/s 5",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
