//! The options of `nats`, and the client's made of them.

use std::{fmt, path::PathBuf, time::Duration};

use async_nats::{ConnectOptions, ServerAddr};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::NatsSink;
use crate::{
    secret::Secret,
    sinks::{
        Common, Format, SinkError,
        broker::{self, Address},
    },
};

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sinks) struct Config {
    /// The servers of one cluster.
    pub(super) url: Servers,
    /// Where the events are published.
    #[serde(default = "events")]
    pub(super) subject: String,
    /// Who to be there.
    user: Option<String>,
    password: Option<Secret>,
    /// Proves it in place of user and password.
    token: Option<Secret>,
    /// The text of a `.creds` file, which proves it too.
    credentials: Option<Secret>,
    /// The certificates to trust in place of the system's.
    ca_file: Option<PathBuf>,
}

impl Config {
    pub(in crate::sinks) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: &str| problems.push((key.to_owned(), why.to_owned()));
        if !self.url.0.iter().all(|url| url.has_scheme(&SCHEMES)) {
            note("url", "must start with nats:// or tls://");
        }
        if self.url.0.iter().any(|url| !has_no_path(url)) {
            note("url", "takes nothing after the host and port");
        }
        if let Some(why) = problem_with_subject(&self.subject) {
            note("subject", why);
        }
        let ways = [
            self.user.is_some() || self.url.0.iter().any(|url| url.user().is_some()),
            self.token.is_some(),
            self.credentials.is_some(),
        ];
        if ways.into_iter().filter(|is_used| *is_used).count() > 1 {
            note(
                "url",
                "there is one way to log in: user and password, or token, or credentials",
            );
        }
        if self.user.is_some() != self.password.is_some() {
            note("password", "user and password go together");
        }
        if let Some(credentials) = &self.credentials
            && ConnectOptions::with_credentials(&text(credentials)).is_err()
        {
            note("credentials", "is not the text of a .creds file");
        }
        problems.extend(broker::problem_with_certificates(self.ca_file.as_deref()));
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn build(&self, _common: &Common) -> Result<NatsSink, SinkError> {
        Ok(NatsSink::new(self.clone()))
    }

    /// The servers, as the client wants them.
    pub(super) fn servers(&self) -> Result<Vec<ServerAddr>, SinkError> {
        let servers = self.url.0.iter().map(|address| {
            // The client ignores credentials in a URL, but would log them.
            ServerAddr::from_url(address.without_credentials())
        });
        servers
            .collect::<Result<_, _>>()
            .map_err(|error| SinkError::retry(format!("{}: {error}", self.url)))
    }

    /// How to connect to them.
    pub(super) fn options(&self) -> Result<ConnectOptions, SinkError> {
        let mut options = ConnectOptions::new()
            .name(env!("CARGO_PKG_NAME"))
            .connection_timeout(broker::CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            // What waits in here waits in memory.
            .client_capacity(broker::BATCH)
            .max_reconnects(self.url.0.len())
            .ignore_discovered_servers();
        if let Some(file) = &self.ca_file {
            options = options.add_root_certificates(file.clone());
        }
        if let Some(credentials) = &self.credentials {
            let with_credentials = options.credentials(&text(credentials));
            return with_credentials
                .map_err(|_| SinkError::retry("credentials is not the text of a .creds file"));
        }
        if let Some(token) = &self.token {
            return Ok(options.token(text(token)));
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            return Ok(options.user_and_password(user.clone(), text(password)));
        }
        let in_url = self.url.0.iter().find_map(|url| {
            let user = url.user()?;
            Some((user, url.password()))
        });
        Ok(match in_url {
            Some((user, Some(password))) => options.user_and_password(user, password),
            // As other clients have it, a name alone is a token.
            Some((token, None)) => options.token(token),
            None => options,
        })
    }
}

const SCHEMES: [&str; 2] = ["nats", "tls"];

/// How often a silent server is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// One address, several in a list, or several in a text that holds commas.
#[derive(Debug, Clone)]
pub(super) struct Servers(Vec<Address>);

impl<'de> Deserialize<'de> for Servers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Vec<Address>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL or a list of URLs")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Address::read_several(text).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list))
            }
        }
        let addresses = deserializer.deserialize_any(OneOrMore)?;
        if addresses.is_empty() {
            return Err(D::Error::custom("names no server"));
        }
        Ok(Self(addresses))
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&servers.join(", "))
    }
}

fn events() -> String {
    "events".into()
}

fn has_no_path(url: &Address) -> bool {
    matches!(url.url().path(), "" | "/")
}

fn problem_with_subject(subject: &str) -> Option<&'static str> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    if subject.split('.').any(str::is_empty) || subject.contains(is_odd) {
        return Some("is not a subject like events or events.offers");
    }
    let is_wild = subject.split('.').any(|part| matches!(part, "*" | ">"));
    is_wild.then_some("must be one subject, without * and >")
}

fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}
