//! The senders: how each proves that a request is its own, and what its bodies say.
//!
//! What is particular to a vendor lives in its folder and nowhere else. The rest of the receiver sees
//! a [`Source`]: a configured sender with a name.

mod config;
mod credential;
mod fields;
pub mod huntr;
pub mod hunty;
mod json;
mod reading;
mod recall;
mod refusal;
mod sample;
mod source;
mod verified;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

pub use config::Config;
pub use credential::{Credential, Headers};
pub use fields::{FieldsError, FieldsReader};
pub use reading::{Reading, provider_named, reading, sample_event};
pub use recall::{Journal, Recalled, journals};
pub use refusal::Refusal;
pub use sample::{Arrival, Arrivals, Sample};
pub use source::{Source, Sources};
pub use verified::{Envelope, Unverified, Verified};

use crate::domain::{Table, Timestamp};

/// The typed tables that the vendors' events fill.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    huntr::TABLES.into_iter().chain(hunty::TABLES)
}

/// A vendor's protocol with the secrets of one source.
pub trait Provider: Send + Sync + 'static {
    /// As it stands in `events.provider` and in `sources.<name>.provider`.
    fn name(&self) -> &'static str;

    /// Takes the credential out of the headers: looked at before the body is read.
    ///
    /// # Errors
    ///
    /// When it is missing, there twice, or not of the right form.
    fn credential(&self, headers: &HeaderMap) -> Result<Credential, Refusal>;

    /// Checks the credential against every active secret, in constant time.
    ///
    /// # Errors
    ///
    /// Gives the body back when none of the secrets matches.
    fn verify(&self, credential: Credential, body: Bytes) -> Result<Verified, Unverified>;

    /// Finds out why verification failed. Slow: not for the answering path.
    fn diagnose(&self, request: &Unverified) -> Refusal;

    /// What is kept of a refused request's headers, with the credential in a form that opens nothing.
    fn keep_headers(&self, credential: &Credential, headers: &HeaderMap) -> Headers;

    /// The credential that [`Provider::keep_headers`] kept, or `None` if it kept none.
    fn recall(&self, headers: &Headers) -> Option<Credential>;

    /// Extracts what the receiver needs to know of a body. Never fails: what it cannot read it notes.
    fn read(&self, body: &Verified) -> Envelope;

    /// The header by which the vendor would prove this body with the source's first secret;
    /// `None` when the source has no secret.
    fn sign(&self, body: &[u8]) -> Option<(HeaderName, HeaderValue)>;

    /// One valid body of each kind the vendor sends.
    fn samples(&self) -> &'static [Sample];

    /// The body of a sample as another delivery: with the id that the number gives.
    fn renumber(&self, sample: &Sample, number: u64) -> String;

    /// What the vendor would send about an invented organisation of so many members, in the half year before
    /// `ends_at`. The same arguments give the same bytes. `None` where no such organisation was made up.
    fn organization(&self, _members: u32, _seed: u64, _ends_at: Timestamp) -> Option<Arrivals> {
        None
    }
}

/// The sources that a bare environment asks for, when the configuration names none: pairs of the
/// variable that asks, and the source's name with its options as TOML.
pub const CONVENTIONAL_SOURCES: [ConventionalSource; 2] =
    [huntr::CONVENTIONAL, hunty::CONVENTIONAL];

/// A source that needs no file: a variable in the environment is enough.
#[derive(Debug, Clone, Copy)]
pub struct ConventionalSource {
    /// The source's and the provider's name.
    pub name: &'static str,
    /// Set, it holds the secret.
    pub secret_variable: &'static str,
    /// An option that another variable sets: (option, variable).
    pub option_variable: Option<(&'static str, &'static str)>,
}
