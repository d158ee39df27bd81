//! The typed tables: what the events say, ready for SQL.
//!
//! What an event says is worked out by its provider, in memory ([`Reading::project`](crate::providers::Reading)).
//! The rows are joined into the tables by the store. `deliveries` brings the one to the other.

pub mod audit;
pub mod rebuild;
pub mod statistics;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;

use crate::{
    domain::{EventRecord, Said},
    providers::reading,
};

/// `[tables]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whether the tables are filled.
    pub enabled: bool,
    /// The member field that holds the cohort: its name or its id.
    pub cohort_field: String,
    /// The member field that holds the date of graduation.
    pub graduation_field: String,
    /// The member field that holds the program.
    pub program_field: String,
}

impl Config {
    /// What is wrong with the options: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let unusable = |value: &str| value.trim().is_empty() || value.contains('\0');
        let settings = self.settings().into_iter();
        let settings = settings.filter(|(_, value)| unusable(value));
        let why = "must be the name or the id of a member field";
        settings
            .map(|(name, _)| (name.into(), why.into()))
            .collect()
    }

    /// What the views read of it: pairs of a name and a value, for `tables_settings`.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, &str); 3] {
        [
            ("cohort_field", &self.cohort_field),
            ("graduation_field", &self.graduation_field),
            ("program_field", &self.program_field),
        ]
    }
}

/// What an event says of rows.
///
/// Nothing when its reading panics, which is in the log then: a fault of ours costs one event, not the tables.
#[must_use]
pub fn project(event: &EventRecord) -> Option<Vec<Said>> {
    let reading = reading(&event.summary.provider);
    catch_unwind(AssertUnwindSafe(|| reading.project(event))).ok()
}
