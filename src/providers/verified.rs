//! The proof that a body was verified, and what is read from it.

use bytes::Bytes;

use super::{Credential, json};
use crate::domain::Timestamp;

/// An authentic body. Only a provider's `verify` makes one, and only from one a body becomes an event.
#[derive(Debug)]
pub struct Verified {
    body: Bytes,
    signature: Option<String>,
}

impl Verified {
    /// For the providers alone: the caller has checked the credential, or was told not to.
    pub(super) fn new(body: Bytes, credential: Credential) -> Self {
        let signature = match credential {
            Credential::Signature { header, .. } => Some(header),
            Credential::KeyDigest(_) | Credential::Unasked => None,
        };
        Self { body, signature }
    }

    /// The bytes as received.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The bytes, and the signature header that came with them.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Option<String>) {
        (self.body, self.signature)
    }
}

/// A body whose credential matches no secret.
#[derive(Debug)]
pub struct Unverified {
    /// What was presented.
    pub credential: Credential,
    /// The bytes as received.
    pub body: Bytes,
}

/// What the receiver knows of an event without understanding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's id, or `sha256:` and the body's digest in hex.
    pub delivery_id: String,
    /// What happened, in the sender's word.
    pub event_type: Option<String>,
    /// When the sender says it happened.
    pub occurred_at: Option<Timestamp>,
    /// The envelope's version, where the sender has several.
    pub version: Option<i16>,
    /// What could not be read, without a word of the body.
    pub problem: Option<String>,
}

impl Envelope {
    /// Of a body that is not even an object of the right kind.
    pub(super) fn unreadable(body: &[u8], problem: String) -> Self {
        Self {
            delivery_id: json::digest_id(body),
            event_type: None,
            occurred_at: None,
            version: None,
            problem: Some(problem),
        }
    }
}
