//! How amounts with a unit are written in the configuration: for `#[serde(deserialize_with = "…")]`.

use std::time::Duration;

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
