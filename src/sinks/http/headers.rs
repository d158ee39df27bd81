//! `headers`: what people add to each request. What lets somebody in is only taken as a reference.

use std::collections::BTreeMap;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, de::Error};

use crate::secret::Reference;

/// Headers by name, as they are written in the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Headers(BTreeMap<String, Value>);

/// A plain text, or what a reference led to, which is sensitive and so not in its debug print.
#[derive(Debug, Clone)]
struct Value(HeaderValue);

/// They belong to the connection, to the signature, or follow from the URL and the body.
const RESERVED: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// Words in the names of headers that let somebody in.
const SECRET_WORDS: [&str; 11] = [
    "apikey",
    "auth",
    "authentication",
    "authorization",
    "cookie",
    "credential",
    "key",
    "pass",
    "password",
    "secret",
    "token",
];

impl Headers {
    /// What is wrong with them: pairs of a key and a sentence.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut seen = HeaderMap::new();
        let mut problems = Vec::new();
        for (name, value) in &self.0 {
            let why = match HeaderName::try_from(name.as_str()) {
                Err(_) => Some("is not the name of a header"),
                Ok(known) if RESERVED.contains(&known.as_str()) => Some("is set by the receiver"),
                Ok(known) if is_secret(known.as_str(), &value.0) => Some(
                    "is a secret, so it must be a reference: put the header's whole value into an \
                     environment variable and write \"env:NAME\", or into a file and write \"file:/path\"",
                ),
                Ok(known) => seen
                    .insert(known, value.0.clone())
                    .map(|_| "is there twice, as case does not matter"),
            };
            problems.extend(why.map(|why| (format!("headers.{name}"), why.to_owned())));
        }
        problems
    }

    pub(super) fn sets_authorization(&self) -> bool {
        self.map().contains_key(AUTHORIZATION)
    }

    /// The headers, without those that have a problem.
    pub(super) fn map(&self) -> HeaderMap {
        let named = |(name, value): (&String, &Value)| {
            Some((HeaderName::try_from(name.as_str()).ok()?, value.0.clone()))
        };
        self.0.iter().filter_map(named).collect()
    }
}

fn is_secret(name: &str, value: &HeaderValue) -> bool {
    let mut words = name.split(['-', '_']);
    let tells = |word: &str| SECRET_WORDS.contains(&word.strip_suffix('s').unwrap_or(word));
    !value.is_sensitive() && words.any(|word| tells(word) || SECRET_WORDS.contains(&word))
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = match Reference::parse(&text) {
            None => HeaderValue::from_bytes(text.as_bytes()),
            Some(reference) => {
                let secret = reference.resolve().map_err(D::Error::custom)?;
                let value = HeaderValue::from_bytes(secret.expose_secret().as_bytes());
                value.map(|mut value| {
                    value.set_sensitive(true);
                    value
                })
            }
        };
        let value = value.map_err(|_| {
            D::Error::custom("holds a line break or another character that a header cannot have")
        })?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use figment::{
        Figment,
        providers::{Format, Toml},
    };

    use super::*;

    fn headers(toml: &str) -> Headers {
        Figment::from(Toml::string(toml))
            .extract()
            .expect("headers")
    }

    fn problems(toml: &str) -> Vec<(String, String)> {
        headers(toml).problems()
    }

    #[test]
    fn what_lets_somebody_in_must_be_a_reference() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "X-Api-Key",
            "x-auth-token",
            "X_SECRET",
            "x-tokens",
        ] {
            let found = problems(&format!("{name} = \"hush\""));
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].0, format!("headers.{name}"));
            assert!(found[0].1.contains("env:NAME"), "{found:?}");
            assert!(!found[0].1.contains("hush"), "{found:?}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "Bearer hush\n").expect("writing it");
        let referred = headers(&format!(
            "Authorization = \"file:{}\"",
            file.path().display()
        ));
        assert_eq!(referred.problems(), []);
        assert_eq!(referred.map()[AUTHORIZATION], "Bearer hush");
        assert!(!format!("{referred:?}").contains("hush"));
    }

    #[test]
    fn names_that_cannot_be_are_refused_by_key() {
        for (name, key) in [
            ("\"a b\"", "headers.a b"),
            ("\"\"", "headers."),
            ("Host", "headers.Host"),
            ("webhook-id", "headers.webhook-id"),
            ("Content-Length", "headers.Content-Length"),
        ] {
            let found = problems(&format!("{name} = \"x\""));
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].0, key);
        }
        assert_eq!(problems("x-team = \"a\"\nX-Team = \"b\"").len(), 1);
        assert_eq!(problems("x-team = \"a\"\ncontent-type = \"text/csv\""), []);
    }

    #[test]
    fn a_value_with_a_line_break_is_refused_without_being_repeated() {
        let figment = Figment::from(Toml::string("x-team = \"hush\\r\\nx: y\""));
        let error = figment.extract::<Headers>().expect_err("it is two headers");
        assert_eq!(error.path, ["x-team"]);
        assert!(error.to_string().contains("line break"), "{error}");
    }
}
