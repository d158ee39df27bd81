//! The options of `s3`, and the client that they make.

use std::time::Duration;

use object_store::{ClientOptions, RetryConfig, aws::AmazonS3Builder, path::Path};
use serde::Deserialize;
use url::Url;

use super::{
    Common, Format, S3, SinkError, chain,
    cloud::{credentials_problem, text, url_problem},
};
use crate::{secret::Secret, units};

/// More messages at once than this are a typing error.
const MOST_AT_ONCE: usize = 1000;
/// Longer than this, and the claims on the messages would run out.
const LONGEST_LINGER: Duration = Duration::from_mins(5);

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sinks) struct Config {
    /// Where the objects go.
    bucket: String,
    /// The folder in it.
    #[serde(default = "events")]
    prefix: String,
    /// Where the bucket is.
    region: Option<String>,
    /// Who answers, when it is not the inventor of the protocol.
    endpoint: Option<Url>,
    /// Whether the bucket is part of the host's name rather than of the path.
    virtual_hosted_style: Option<bool>,
    /// Who we are; else what every program on this machine is.
    access_key_id: Option<Secret>,
    /// The proof.
    secret_access_key: Option<Secret>,
    /// What temporary credentials have besides.
    session_token: Option<Secret>,
    /// How many events an object has, at most.
    #[serde(default = "five_hundred")]
    max_batch: usize,
    /// How long events may gather for one object.
    #[serde(default = "five_seconds", deserialize_with = "units::duration")]
    linger: Duration,
}

impl Config {
    pub(in crate::sinks) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: &str| problems.push((key.to_owned(), why.to_owned()));
        if !is_bucket(&self.bucket) {
            note(
                "bucket",
                "must be 3 to 63 letters, digits, dots, hyphens and underscores",
            );
        }
        if Path::parse(&self.prefix).is_err() {
            note(
                "prefix",
                "must be a path like \"events/raw\", without empty parts and odd characters",
            );
        }
        if self.region.as_ref().is_some_and(String::is_empty) {
            note(
                "region",
                "is empty; leave it out for the one of this machine",
            );
        }
        if !(1..=MOST_AT_ONCE).contains(&self.max_batch) {
            note("max_batch", "must be from 1 to 10000");
        }
        if self.linger > LONGEST_LINGER {
            note("linger", "must not be longer than 5 minutes");
        }
        let endpoint = self.endpoint.as_ref();
        problems.extend(endpoint.and_then(|url| url_problem("endpoint", url)));
        problems.extend(credentials_problem(
            self.access_key_id.as_ref(),
            self.secret_access_key.as_ref(),
            self.session_token.as_ref(),
        ));
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    pub(in crate::sinks) fn build(&self, common: &Common) -> Result<S3, SinkError> {
        // The client needs one, and whoever installed one before has installed the same.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let store = self.builder(common.timeout).build().map_err(|error| {
            SinkError::retry(format!("the client cannot be made: {}", chain(&error)))
        })?;
        let prefix = Path::parse(&self.prefix).unwrap_or_default();
        Ok(S3 {
            store,
            bucket: self.bucket.clone(),
            prefix: prefix.to_string(),
            max_batch: self.max_batch,
            linger: self.linger,
        })
    }

    /// A client that tries once and waits as long as its caller does.
    fn builder(&self, timeout: Duration) -> AmazonS3Builder {
        let mut builder = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(key)) => {
                let builder = AmazonS3Builder::new()
                    .with_access_key_id(text(id))
                    .with_secret_access_key(text(key));
                match &self.session_token {
                    Some(token) => builder.with_token(text(token)),
                    None => builder,
                }
            }
            // The environment, a web identity, the container's or the machine's role.
            _ => AmazonS3Builder::from_env(),
        };
        builder = builder
            .with_bucket_name(&self.bucket)
            .with_client_options(ClientOptions::new().with_timeout(timeout))
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            });
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder
                .with_endpoint(endpoint.as_str().trim_end_matches('/'))
                .with_allow_http(endpoint.scheme() == "http");
        }
        if let Some(is_so) = self.virtual_hosted_style {
            builder = builder.with_virtual_hosted_style_request(is_so);
        }
        builder
    }
}

fn is_bucket(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (3..=63).contains(&name.len()) && name.bytes().all(is_known)
}

fn events() -> String {
    "events".into()
}

fn five_hundred() -> usize {
    500
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

#[cfg(test)]
mod tests {
    use figment::{
        Figment,
        providers::{Format as _, Toml},
        value::Value,
    };

    use crate::sinks;

    #[test]
    fn what_cannot_work_is_told_by_its_key() {
        let keys = |toml: &str| -> Vec<String> {
            let options: Value = Figment::from(Toml::string(toml))
                .extract()
                .expect("a table");
            let config = sinks::Config::read("s3", &options).expect("options");
            config.problems().into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys("bucket = 'audit'\nprefix = ''"), [""; 0]);
        assert_eq!(
            keys("bucket = 'a/b'\nprefix = 'a//b'"),
            ["bucket", "prefix"]
        );
        assert_eq!(
            keys("bucket = 'audit'\nendpoint = 'http://me:hush@localhost'"),
            ["endpoint"]
        );
        assert_eq!(
            keys("bucket = 'audit'\nregion = ''\nmax_batch = 0\nlinger = '1h'"),
            ["region", "max_batch", "linger"]
        );
        assert_eq!(
            keys("bucket = 'audit'\nsecret_access_key = 'env:PATH'"),
            ["access_key_id"]
        );
    }
}
