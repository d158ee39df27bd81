//! How amounts with a unit are written in the configuration.

/// `"10s"`, `"15m"`, `"3d"`: for `#[serde(with = "crate::units::duration")]`.
pub mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de::Error};

    /// Reads a duration; a number without a unit is refused, as it is not clear what it would mean.
    ///
    /// # Errors
    ///
    /// When the text is not a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text)
            .map_err(|error| D::Error::custom(format!("is not a duration like \"10s\" or \"3d\": {error}")))
    }
}
