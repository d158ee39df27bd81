//! The options of `rabbitmq`, and the client's made of them.

use std::path::PathBuf;

use lapin::uri::{AMQPAuthority, AMQPScheme, AMQPUri, AMQPUserInfo};
use serde::Deserialize;

use super::{RabbitmqSink, SHORT};
use crate::{
    secret::Secret,
    sinks::{
        Common, Format, SinkError,
        broker::{self, Address, decoded},
    },
};

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sinks) struct Config {
    /// The broker, with the virtual host as its path.
    pub(super) url: Address,
    /// Who to be there.
    user: Option<String>,
    password: Option<Secret>,
    /// Where the events are published; the broker's default exchange when empty.
    #[serde(default)]
    pub(super) exchange: String,
    /// What the exchange routes by; for the default exchange the name of a queue.
    #[serde(default = "events")]
    pub(super) routing_key: String,
    /// Certificates to trust beside the system's.
    pub(super) ca_file: Option<PathBuf>,
}

impl Config {
    pub(in crate::sinks) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: &str| problems.push((key.to_owned(), why.to_owned()));
        if !self.url.has_scheme(&["amqp", "amqps"]) {
            note("url", "must start with amqp:// or amqps://");
        }
        if self.url.url().path().matches('/').count() > 1 {
            note(
                "url",
                "has more than a virtual host; a / in its name is written %2F",
            );
        }
        if self.user.is_some() && self.password.is_none() {
            note("password", "is missing, and user needs it");
        }
        for (key, name) in [
            ("exchange", &self.exchange),
            ("routing_key", &self.routing_key),
        ] {
            if name.len() > SHORT {
                note(key, "must not be longer than 255 bytes");
            }
        }
        if self.exchange.is_empty() && self.routing_key.is_empty() {
            note(
                "routing_key",
                "is empty; without an exchange it is the name of a queue",
            );
        }
        if self.ca_file.is_some() && self.url.has_scheme(&["amqp"]) {
            note("ca_file", "is only used with amqps://");
        }
        problems.extend(broker::problem_with_certificates(self.ca_file.as_deref()));
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn build(&self, _common: &Common) -> Result<RabbitmqSink, SinkError> {
        Ok(RabbitmqSink::new(self.clone()))
    }

    /// For the client, whose own reader takes an IPv6 address for no address.
    pub(super) fn uri(&self) -> AMQPUri {
        let default = AMQPUri::default();
        let is_tls = self.url.has_scheme(&["amqps"]);
        let vhost = decoded(self.url.url().path().trim_start_matches('/'));
        let user = self.user.clone().or_else(|| self.url.user());
        let password = self.password.as_ref();
        let password = password.map(|it| String::from_utf8_lossy(it.expose()).into_owned());
        let userinfo = default.authority.userinfo;
        AMQPUri {
            scheme: if is_tls {
                AMQPScheme::AMQPS
            } else {
                AMQPScheme::AMQP
            },
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo {
                    username: user.unwrap_or(userinfo.username),
                    password: password
                        .or_else(|| self.url.password())
                        .unwrap_or(userinfo.password),
                },
                host: self.url.host().to_owned(),
                port: self
                    .url
                    .url()
                    .port()
                    .unwrap_or(if is_tls { 5671 } else { 5672 }),
            },
            // The default one is called "/", and that is also what an URL without one means to people.
            vhost: if vhost.is_empty() {
                default.vhost
            } else {
                vhost
            },
            query: default.query,
        }
    }
}

fn events() -> String {
    "events".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(url: &str) -> String {
        let options = serde_json::json!({ "url": url });
        let config: Config = serde_json::from_value(options).expect("the options");
        config.uri().to_string()
    }

    #[test]
    fn an_address_without_port_host_or_login_means_the_usual() {
        for (url, means) in [
            ("amqp://h", "amqp://guest:guest@h:5672/%2F"),
            ("amqp://h/", "amqp://guest:guest@h:5672/%2F"),
            ("amqps://h/%2Fa", "amqps://guest:guest@h:5671/%2Fa"),
        ] {
            assert_eq!(uri(url), means);
        }
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "amqp://u:p%40@[::1]:1/v").expect("writing it");
        let reference = format!("file:{}", file.path().display());
        assert_eq!(uri(&reference), "amqp://u:p%40@::1:1/v");
    }
}
