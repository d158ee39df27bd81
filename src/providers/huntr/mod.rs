//! Huntr: signs each Action it sends with an HMAC of the raw body, and documents no retry.

mod action;
pub mod api;
mod fields;
mod headline;
pub mod organization;
mod projection;
mod reading;
mod salary;
mod samples;
mod signature;
mod stages;
mod tables;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq};

use self::organization::Organization;
pub(super) use self::{
    reading::Reading,
    tables::{JOURNAL, TABLES},
};
use super::{
    Arrivals, ConventionalSource, Credential, Envelope, FieldsError, Headers, Provider, Refusal,
    Sample, Unverified, Verified,
};
use crate::{
    domain::{MemberFields, Timestamp},
    secret::Secret,
};

/// The provider's name.
pub const PROVIDER: &str = "huntr";

/// Carries the signature (API reference, "Webhooks").
const SIGNATURE_HEADER: HeaderName = HeaderName::from_static(SIGNATURE_HEADER_NAME);
const SIGNATURE_HEADER_NAME: &str = "x-huntr-hmac-sha256";

pub(super) const CONVENTIONAL: ConventionalSource = ConventionalSource {
    name: PROVIDER,
    secret_variable: "HUNTR_WEBHOOK_SECRET",
    option_variable: None,
};

/// `[sources.<name>]` with `provider = "huntr"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The secrets that "Reveal" shows in Huntr's Developers tab; several while one is being rotated.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// `false` believes everybody who can reach the URL.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Access to the organisation's own history.
    pub api: Option<api::Config>,
}

fn yes() -> bool {
    true
}

impl Config {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        if self.verify && self.secrets.is_empty() {
            let why = "has no secret; write [\"env:HUNTR_WEBHOOK_SECRET\"] and set that variable \
                       to what \"Reveal\" shows in Huntr's Developers tab";
            return vec![("secrets".into(), why.into())];
        }
        Vec::new()
    }

    /// Reads the organisation's own fields of a member from what the API answers.
    ///
    /// # Errors
    ///
    /// When that is no list of fields.
    pub(super) fn read_fields(answer: &[u8]) -> Result<MemberFields, FieldsError> {
        fields::read(answer)
    }
}

/// The protocol with the secrets of one webhook record.
pub struct Huntr {
    keys: Vec<signature::Key>,
    verify: bool,
}

impl Huntr {
    /// Takes over the secrets of a source.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            keys: config.secrets.iter().map(signature::Key::new).collect(),
            verify: config.verify,
        }
    }

    fn matches(&self, mac: &[u8; 32], body: &[u8]) -> bool {
        // Every key is tried, whichever matches: the time tells nothing about which.
        let any = self
            .keys
            .iter()
            .fold(Choice::from(0), |any, key| any | key.sign(body).ct_eq(mac));
        any.into()
    }
}

impl Provider for Huntr {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn credential(&self, headers: &HeaderMap) -> Result<Credential, Refusal> {
        if !self.verify {
            return Ok(Credential::Unasked);
        }
        let mut values = headers.get_all(&SIGNATURE_HEADER).iter();
        let value = values.next().ok_or(Refusal::MissingHeader)?;
        if values.next().is_some() {
            return Err(Refusal::RepeatedHeader);
        }
        signature::parse(value.as_bytes())
    }

    fn verify(&self, credential: Credential, body: Bytes) -> Result<Verified, Unverified> {
        let authentic = match &credential {
            Credential::Signature { mac, .. } => self.matches(mac, &body),
            Credential::KeyDigest(_) => false,
            Credential::Unasked => !self.verify,
        };
        if authentic {
            Ok(Verified::new(body, credential))
        } else {
            Err(Unverified { credential, body })
        }
    }

    fn diagnose(&self, request: &Unverified) -> Refusal {
        let Credential::Signature { mac, .. } = &request.credential else {
            return Refusal::Mismatch;
        };
        signature::diagnose(&self.keys, mac, &request.body)
    }

    fn keep_headers(&self, credential: &Credential, headers: &HeaderMap) -> Headers {
        let mut kept = super::credential::describe(headers);
        if let Credential::Signature { header, .. } = credential {
            kept.insert(SIGNATURE_HEADER.as_str().into(), header.as_str().into());
        }
        kept
    }

    fn recall(&self, headers: &Headers) -> Option<Credential> {
        let header = headers.get(SIGNATURE_HEADER.as_str())?.as_str()?;
        signature::parse(header.as_bytes()).ok()
    }

    fn read(&self, body: &Verified) -> Envelope {
        action::read(body.body())
    }

    fn sign(&self, body: &[u8]) -> Option<(HeaderName, HeaderValue)> {
        let signature = signature::encode(&self.keys.first()?.sign(body));
        Some((SIGNATURE_HEADER, HeaderValue::try_from(signature).ok()?))
    }

    fn samples(&self) -> &'static [Sample] {
        samples::SAMPLES
    }

    fn renumber(&self, sample: &Sample, number: u64) -> String {
        sample.with("id", format!("{number:024x}"))
    }

    fn organization(&self, members: u32, seed: u64, ends_at: Timestamp) -> Option<Arrivals> {
        Some(Box::new(Organization::new(members, seed, ends_at)))
    }
}
