//! The options of `sqs`, and the client that they make.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{Client, config::Credentials};
use aws_smithy_http_client::{
    Builder,
    tls::{self, rustls_provider::CryptoMode},
};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use super::{
    Common, Format, SinkError, Sqs,
    cloud::{credentials_problem, text, url_problem},
};
use crate::secret::Secret;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sinks) struct Config {
    /// The queue; its name ends in `.fifo` when it is one.
    pub(super) queue_url: Url,
    /// Where the queue is; else `queue_url` says it.
    region: Option<String>,
    /// Who answers; else the host of `queue_url`.
    endpoint: Option<Url>,
    /// Who we are; else what every program on this machine is.
    access_key_id: Option<Secret>,
    /// The proof.
    secret_access_key: Option<Secret>,
    /// What temporary credentials have besides.
    session_token: Option<Secret>,
}

impl Config {
    pub(in crate::sinks) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: &str| problems.push((key.to_owned(), why.to_owned()));
        if self.queue_url.path().len() < 2 {
            note("queue_url", "names no queue");
        }
        if self.region().is_none() {
            note("region", "is missing, and queue_url does not say it");
        }
        let endpoint = self.endpoint.as_ref();
        problems.extend(url_problem("queue_url", &self.queue_url));
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

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn build(&self, _common: &Common) -> Result<Sqs, SinkError> {
        Ok(Sqs {
            options: self.clone(),
            client: OnceCell::new(),
        })
    }

    pub(super) fn is_fifo(&self) -> bool {
        let name = self.queue_url.path();
        name.strip_suffix(".fifo").is_some()
    }

    /// A client that tries once and waits as long as its caller does.
    pub(super) async fn client(&self) -> Client {
        let https = Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .endpoint_url(self.endpoint());
        if let Some(region) = self.region() {
            loader = loader.region(Region::new(region));
        }
        if let (Some(id), Some(key)) = (&self.access_key_id, &self.secret_access_key) {
            let token = self.session_token.as_ref().map(text);
            let credentials = Credentials::new(text(id), text(key), token, None, "configuration");
            loader = loader.credentials_provider(credentials);
        }
        Client::new(&loader.load().await)
    }

    fn region(&self) -> Option<String> {
        self.region
            .clone()
            .or_else(|| region_of(self.queue_url.host_str()?))
    }

    fn endpoint(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.to_string(),
            None => self.queue_url.origin().ascii_serialization(),
        }
    }
}

/// `sqs.eu-west-1.amazonaws.com`, and what is reached within a private network.
fn region_of(host: &str) -> Option<String> {
    let known = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    known.iter().find(|suffix| host.ends_with(**suffix))?;
    let mut parts = host.split('.').skip_while(|part| !part.starts_with("sqs"));
    parts.next()?;
    parts.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use figment::{
        Figment,
        providers::{Format as _, Toml},
        value::Value,
    };

    use super::region_of;
    use crate::sinks;

    fn problems(toml: &str) -> Vec<(String, String)> {
        let options: Value = Figment::from(Toml::string(toml))
            .extract()
            .expect("a table");
        sinks::Config::read("sqs", &options)
            .expect("options")
            .problems()
    }

    #[test]
    fn the_region_is_in_the_url() {
        for (host, region) in [
            ("sqs.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("sqs-fips.us-east-1.amazonaws.com", Some("us-east-1")),
            ("sqs.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("sqs.eu-west-1.api.aws", Some("eu-west-1")),
            (
                "vpce-1-2.sqs.us-east-2.vpce.amazonaws.com",
                Some("us-east-2"),
            ),
            ("queue.amazonaws.com", None),
            ("sqs.example.com", None),
            ("localhost", None),
        ] {
            assert_eq!(region_of(host).as_deref(), region, "{host}");
        }
    }

    #[test]
    fn what_cannot_work_is_told_by_its_key() {
        assert_eq!(
            problems("queue_url = 'https://sqs.eu-west-1.amazonaws.com/1/q'"),
            []
        );
        let keys = |toml: &str| -> Vec<String> {
            problems(toml).into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(
            keys("queue_url = 'ftp://u:p@localhost/'"),
            ["queue_url", "region", "queue_url"]
        );
        let local = "queue_url = 'http://localhost/1/q'\nregion = 'eu-west-1'\n";
        assert_eq!(
            keys(&format!("{local}access_key_id = 'env:PATH'")),
            ["secret_access_key"]
        );
        assert_eq!(
            keys(&format!("{local}session_token = 'env:PATH'")),
            ["access_key_id"]
        );
        assert_eq!(
            keys(&format!("{local}endpoint = 'unix:/run'")),
            ["endpoint"]
        );
    }
}
