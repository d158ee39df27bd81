//! Where events go: the configuration that all kinds of sinks share.

use figment::{error::Kind, value::Value};
use serde::Deserialize;

use crate::secret::Secret;

/// The kinds of sinks.
const KINDS: [&str; 10] = [
    "http", "slack", "file", "stdout", "nats", "kafka", "rabbitmq", "redis", "s3", "sqs",
];

/// `[sinks.<name>]`: which events it wants. What is particular to a kind is not looked at yet, but for
/// what must be a secret in every kind.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The event types it wants; all when left out.
    pub types: Option<Vec<String>>,
    /// Signs or authenticates.
    pub secret: Option<Secret>,
    /// Authenticates.
    pub token: Option<Secret>,
    /// Authenticates.
    pub password: Option<Secret>,
}

impl Config {
    /// Reads the options of a sink of that kind.
    ///
    /// # Errors
    ///
    /// When there is no such kind, or an option is wrong.
    pub fn read(kind: &str, options: &Value) -> figment::error::Result<Self> {
        if !KINDS.contains(&kind) {
            return Err(Kind::UnknownVariant(kind.into(), &KINDS).into());
        }
        options.deserialize()
    }

    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        match &self.types {
            Some(types) if types.is_empty() => {
                vec![(
                    "types".into(),
                    "is empty, so the sink would get nothing; leave it out for all".into(),
                )]
            }
            _ => Vec::new(),
        }
    }
}
