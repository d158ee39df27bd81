//! The URL that requests go to, which may hold secrets and is never shown beyond its host.

use std::fmt;

use hyper::Uri;
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, de::Error};
use url::Url;

use crate::secret::{LOGIN_WRITTEN_OUT, Reference};

/// `https://…` or `http://…`, written out or as a reference to a secret.
#[derive(Clone)]
pub(in crate::sinks) struct Endpoint(Url);

impl Endpoint {
    /// The error repeats nothing of the text.
    pub(in crate::sinks) fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is not a URL like https://example.com/hooks")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must start with https:// or http://");
        }
        if url.fragment().is_some() {
            return Err("has a #, after which nothing is ever sent; write it as %23");
        }
        // A / or ? in a password ends the host, and what is left of the password would be shown as a port.
        let after_host = [Some(url.path()), url.query()];
        let has_at = after_host.iter().flatten().any(|part| part.contains('@'));
        if url.port().is_some() && has_at {
            return Err(
                "has an @ after the host, or a / or ? in the password; write them as %40, %2F and %3F",
            );
        }
        if url.as_str().parse::<Uri>().is_err() {
            return Err("is not a URL that a request can be made of");
        }
        Ok(Self(url))
    }

    /// May hold a user and a password, and more secrets.
    pub(in crate::sinks) fn url(&self) -> &Url {
        &self.0
    }
}

/// Only scheme, host and port: what comes before and after may be secret.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Reference::parse(&text) {
            None => {
                let endpoint = Self::parse(&text).map_err(D::Error::custom)?;
                if !endpoint.0.username().is_empty() || endpoint.0.password().is_some() {
                    return Err(D::Error::custom(LOGIN_WRITTEN_OUT));
                }
                Ok(endpoint)
            }
            Some(reference) => {
                let text = reference.resolve().map_err(D::Error::custom)?;
                Self::parse(text.expose_secret())
                    .map_err(|why| D::Error::custom(format!("what {reference} holds {why}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_scheme_host_and_port_is_shown() {
        for (url, shown) in [
            (
                "https://u:hush@example.com/hush?hush",
                "https://example.com",
            ),
            ("http://hush@example.com:81/", "http://example.com:81"),
            (
                "https://[2001:db8::1]:8443/hush",
                "https://[2001:db8::1]:8443",
            ),
        ] {
            let endpoint = Endpoint::parse(url).expect("a URL");
            assert_eq!(format!("{endpoint}"), shown);
            assert_eq!(format!("{endpoint:?}"), shown);
        }
    }

    #[test]
    fn what_no_request_can_be_made_to_is_refused_without_being_repeated() {
        for url in [
            "hush.example.com/hooks",
            "ftp://hush.example.com",
            "https://",
            "https://user:hu#sh@example.com",
            "https://user:1/hush@example.com",
            "https://user:1?hush@example.com",
            "mailto:hush@example.com",
        ] {
            let why = Endpoint::parse(url).expect_err(url);
            assert!(!why.contains("hush"), "{why}");
        }
    }
}
