//! `[server]`.

use std::{net::SocketAddr, time::Duration};

use bytesize::ByteSize;
use serde::Deserialize;

use super::{RequestLimits, server::ConnectionLimits};
use crate::{networks::Networks, secret::Secret, units};

/// How long connections may finish at the end. Leaves time for the last commits within ten seconds.
const GRACE: Duration = Duration::from_secs(5);

/// No database takes more in one value.
const LARGEST_BODY: ByteSize = ByteSize::mib(512);

/// Open connections on the admin listener.
pub const ADMIN_CONNECTIONS: usize = 256;

/// More than this is a typing error.
const MOST_CONNECTIONS: usize = 1_000_000;

/// `[server]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public listener.
    pub listen: SocketAddr,
    /// The admin listener.
    pub admin_listen: SocketAddr,
    /// The bearer token of the admin listener's API. Without one, only programs of this machine may use it.
    pub admin_token: Option<Secret>,
    /// The longest body.
    pub max_body: ByteSize,
    /// The longest time for a body.
    #[serde(deserialize_with = "units::timeout")]
    pub request_timeout: Duration,
    /// The longest time for headers, and for a peer to take what is written.
    #[serde(deserialize_with = "units::timeout")]
    pub header_timeout: Duration,
    /// The longest time between two requests.
    #[serde(deserialize_with = "units::timeout")]
    pub idle_timeout: Duration,
    /// Open connections on the public listener.
    pub max_connections: usize,
    /// Who may post to a source that does not say so itself; everybody when left out.
    pub allow_from: Option<Networks>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// How long deliveries are still accepted after a signal to stop.
    #[serde(deserialize_with = "units::duration")]
    pub drain_delay: Duration,
}

impl Config {
    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if !self.admin_listen.ip().is_loopback() && self.admin_token.is_none() {
            let why = "is required because server.admin_listen is not a loopback address; \
                       write \"env:RECEIVER_ADMIN_TOKEN\" and set that variable";
            problems.push(("admin_token".into(), why.into()));
        }
        if self.admin_token.as_ref().is_some_and(cannot_be_sent) {
            let why = "has whitespace around it or control characters in it, which no HTTP header can carry: \
                       take them out";
            problems.push(("admin_token".into(), why.into()));
        }
        if self.max_connections == 0 || self.max_connections > MOST_CONNECTIONS {
            let why = format!("must be from 1 to {MOST_CONNECTIONS}");
            problems.push(("max_connections".into(), why));
        }
        if self.max_body.as_u64() == 0 || self.max_body > LARGEST_BODY {
            let why = format!("must be from 1 B to {LARGEST_BODY}");
            problems.push(("max_body".into(), why));
        }
        if self.allow_from.as_ref().is_some_and(Networks::is_empty) {
            let why = "is empty, so nobody could post; leave it out for everybody";
            problems.push(("allow_from".into(), why.into()));
        }
        problems
    }

    /// What a request may take.
    #[must_use]
    pub fn request_limits(&self) -> RequestLimits {
        RequestLimits {
            max_body: usize::try_from(self.max_body.as_u64()).unwrap_or(usize::MAX),
            request_timeout: self.request_timeout,
        }
    }

    /// What connections to the public listener may take.
    #[must_use]
    pub fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            max_connections: self.max_connections,
            header_timeout: self.header_timeout,
            idle_timeout: self.idle_timeout,
            grace: GRACE,
        }
    }

    /// What connections to the admin listener may take.
    #[must_use]
    pub fn admin_connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            max_connections: ADMIN_CONNECTIONS,
            ..self.connection_limits()
        }
    }
}

fn cannot_be_sent(token: &Secret) -> bool {
    let token = token.expose();
    token.trim_ascii() != token || token.iter().any(u8::is_ascii_control)
}
