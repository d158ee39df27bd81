//! Hunty: sends a key in a header of our choosing, retries, and gives a subscription up after six hours of failures.

mod envelope;
mod projection;
mod reading;
mod samples;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::Error};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

pub(super) use self::{
    projection::{JOURNAL, TABLES},
    reading::Reading,
};
use super::{
    ConventionalSource, Credential, Envelope, Headers, Provider, Refusal, Sample, Unverified,
    Verified,
};
use crate::secret::Secret;

/// The provider's name.
pub const PROVIDER: &str = "hunty";

pub(super) const CONVENTIONAL: ConventionalSource = ConventionalSource {
    name: PROVIDER,
    secret_variable: "HUNTY_API_KEY",
    option_variable: Some(("header", "HUNTY_API_KEY_HEADER")),
};

/// `[sources.<name>]` with `provider = "hunty"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The header that was agreed on when the subscription was made.
    #[serde(default = "usual_header", deserialize_with = "header_name")]
    pub header: HeaderName,
    /// The keys that may stand in it; several while one is being rotated.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// `false` believes everybody who can reach the URL.
    #[serde(default = "yes")]
    pub verify: bool,
}

fn yes() -> bool {
    true
}

fn usual_header() -> HeaderName {
    HeaderName::from_static("x-auth-api-key")
}

fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderName, D::Error> {
    let text = String::deserialize(deserializer)?;
    HeaderName::try_from(text).map_err(|_| D::Error::custom("is not the name of an HTTP header"))
}

impl Config {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.verify && self.secrets.is_empty() {
            let why = "has no key; write [\"env:HUNTY_API_KEY\"] and set that variable \
                       to the value you gave Hunty";
            problems.push(("secrets".into(), why.into()));
        }
        for (index, secret) in self.secrets.iter().enumerate() {
            if HeaderValue::from_bytes(secret.expose()).is_err() {
                let why = "has characters that no HTTP header can carry, such as a newline";
                problems.push((format!("secrets.{index}"), why.into()));
            } else if secret.expose().trim_ascii() != secret.expose() {
                let why = "has whitespace around it, which no HTTP header can carry: take it out";
                problems.push((format!("secrets.{index}"), why.into()));
            }
        }
        problems
    }
}

/// The protocol with the keys of one subscription.
pub struct Hunty {
    header: HeaderName,
    keys: Vec<Secret>,
    digests: Vec<[u8; 32]>,
    verify: bool,
}

impl Hunty {
    /// Takes over the keys of a source.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            header: config.header.clone(),
            keys: config.secrets.clone(),
            digests: config
                .secrets
                .iter()
                .map(|key| digest(key.expose()))
                .collect(),
            verify: config.verify,
        }
    }
}

/// Keys are compared by digest, so that the time tells nothing about their length or content.
fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

impl Provider for Hunty {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn credential(&self, headers: &HeaderMap) -> Result<Credential, Refusal> {
        if !self.verify {
            return Ok(Credential::Unasked);
        }
        let mut values = headers.get_all(&self.header).iter();
        let value = values.next().ok_or(Refusal::MissingHeader)?;
        if values.next().is_some() {
            return Err(Refusal::RepeatedHeader);
        }
        if value.is_empty() {
            return Err(Refusal::MissingHeader);
        }
        Ok(Credential::KeyDigest(digest(value.as_bytes())))
    }

    fn verify(&self, credential: Credential, body: Bytes) -> Result<Verified, Unverified> {
        let authentic = match &credential {
            Credential::KeyDigest(presented) => {
                let any = self
                    .digests
                    .iter()
                    .fold(Choice::from(0), |any, digest| any | digest.ct_eq(presented));
                any.into()
            }
            Credential::Signature { .. } => false,
            Credential::Unasked => !self.verify,
        };
        if authentic {
            Ok(Verified::new(body, credential))
        } else {
            Err(Unverified { credential, body })
        }
    }

    fn diagnose(&self, request: &Unverified) -> Refusal {
        let Credential::KeyDigest(presented) = &request.credential else {
            return Refusal::Mismatch;
        };
        let trimmed = self
            .keys
            .iter()
            .any(|key| bool::from(digest(key.expose().trim_ascii()).ct_eq(presented)));
        if trimmed {
            Refusal::SecretWhitespace
        } else {
            Refusal::Mismatch
        }
    }

    fn keep_headers(&self, credential: &Credential, headers: &HeaderMap) -> Headers {
        let mut kept = super::credential::describe(headers);
        if let Credential::KeyDigest(digest) = credential {
            kept.insert(self.header.as_str().into(), write_digest(digest).into());
        }
        kept
    }

    fn recall(&self, headers: &Headers) -> Option<Credential> {
        let digest = headers.get(self.header.as_str())?.as_str()?;
        read_digest(digest).map(Credential::KeyDigest)
    }

    fn read(&self, body: &Verified) -> Envelope {
        envelope::read(body.body())
    }

    fn sign(&self, _body: &[u8]) -> Option<(HeaderName, HeaderValue)> {
        let mut value = HeaderValue::from_bytes(self.keys.first()?.expose()).ok()?;
        value.set_sensitive(true);
        Some((self.header.clone(), value))
    }

    fn samples(&self) -> &'static [Sample] {
        samples::SAMPLES
    }

    fn renumber(&self, sample: &Sample, number: u64) -> String {
        let key = if sample.name == "v1" {
            "IdempotencyId"
        } else {
            "idempotencyId"
        };
        sample.with(key, format!("{number:032x}"))
    }
}

const DIGEST_PREFIX: &str = "sha256:";

fn write_digest(digest: &[u8; 32]) -> String {
    format!("{DIGEST_PREFIX}{}", BASE64_STANDARD.encode(digest))
}

fn read_digest(text: &str) -> Option<[u8; 32]> {
    let digest = BASE64_STANDARD
        .decode(text.strip_prefix(DIGEST_PREFIX)?)
        .ok()?;
    digest.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunty(keys: &[&str]) -> Hunty {
        Hunty::new(&Config {
            header: usual_header(),
            secrets: keys.iter().copied().map(Secret::new).collect(),
            verify: true,
        })
    }

    fn presenting(key: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(usual_header(), HeaderValue::from_static(key))])
    }

    #[test]
    fn any_active_key_is_accepted_and_no_other() {
        let hunty = hunty(&["old", "a much longer new key"]);
        for (key, authentic) in [
            ("old", true),
            ("a much longer new key", true),
            ("ol", false),
            ("older", false),
            ("a much longer new ke", false),
        ] {
            let credential = hunty.credential(&presenting(key)).expect("a key");
            assert_eq!(
                hunty.verify(credential, Bytes::new()).is_ok(),
                authentic,
                "{key}"
            );
        }
    }

    #[test]
    fn a_key_must_be_there_once() {
        let hunty = hunty(&["key"]);
        let mut headers = HeaderMap::new();
        assert_eq!(
            hunty.credential(&headers).expect_err("none"),
            Refusal::MissingHeader
        );
        headers.append(usual_header(), HeaderValue::from_static("key"));
        headers.append(usual_header(), HeaderValue::from_static("key"));
        assert_eq!(
            hunty.credential(&headers).expect_err("two"),
            Refusal::RepeatedHeader
        );
    }

    #[test]
    fn a_kept_key_opens_nothing_and_is_still_recognised() {
        let headers = presenting("the right key");
        let wrong = hunty(&["wrong"]);
        let credential = wrong.credential(&headers).expect("a key");
        let kept = wrong.keep_headers(&credential, &headers);
        assert!(!format!("{kept:?}").contains("the right key"));

        let right = hunty(&["the right key"]);
        let recalled = right.recall(&kept).expect("a credential");
        assert!(right.verify(recalled, Bytes::new()).is_ok());
    }

    #[test]
    fn whitespace_around_the_configured_key_is_recognised() {
        let hunty = hunty(&["key "]);
        let credential = hunty.credential(&presenting("key")).expect("a key");
        let refused = hunty
            .verify(credential, Bytes::new())
            .expect_err("no match");
        assert_eq!(hunty.diagnose(&refused), Refusal::SecretWhitespace);
    }
}
