//! `[sources.<name>.api]`: access to the organisation's own history of Actions.

use std::time::Duration;

use serde::Deserialize;

use crate::{secret::Secret, units};

/// How the organisation API is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The API's base.
    #[serde(default = "organisation_api")]
    pub url: url::Url,
    /// The organisation's access token.
    pub token: Secret,
    /// How often the history is compared.
    #[serde(default = "every", deserialize_with = "units::timeout")]
    pub every: Duration,
    /// How far back it is compared.
    #[serde(default = "lookback", deserialize_with = "units::timeout")]
    pub lookback: Duration,
}

fn organisation_api() -> url::Url {
    url::Url::parse("https://api.huntr.co/org").unwrap_or_else(|_| unreachable!("a constant URL"))
}

fn every() -> Duration {
    Duration::from_mins(15)
}

fn lookback() -> Duration {
    Duration::from_hours(3 * 24)
}
