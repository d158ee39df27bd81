//! What a request presents to prove where it comes from.

use axum::http::{
    HeaderMap,
    header::{CONTENT_TYPE, USER_AGENT},
};

/// A refused request's headers, as they are kept: a JSON object of texts.
pub type Headers = serde_json::Map<String, serde_json::Value>;

/// A presented proof, of the right form, not yet checked.
#[derive(Clone)]
pub enum Credential {
    /// A message authentication code of the body.
    Signature {
        /// The decoded code.
        mac: [u8; 32],
        /// The header as it was sent.
        header: String,
    },
    /// The SHA-256 digest of a presented key. The key itself is dropped at once.
    KeyDigest([u8; 32]),
    /// None is asked for: the source has `verify = false`.
    Unasked,
}

/// Tells the kind; a proof is not for reading.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signature { .. } => "Signature",
            Self::KeyDigest(_) => "KeyDigest",
            Self::Unasked => "Unasked",
        })
    }
}

/// As much of a header is kept, in bytes.
const MAX_KEPT: usize = 256;

/// The headers that help to understand a refused request, and are nobody's secret.
pub(super) fn describe(headers: &HeaderMap) -> Headers {
    [CONTENT_TYPE, USER_AGENT]
        .into_iter()
        .filter_map(|name| {
            let value = headers.get(&name)?.as_bytes();
            let value = String::from_utf8_lossy(&value[..value.len().min(MAX_KEPT)]).into_owned();
            Some((name.as_str().to_owned(), value.into()))
        })
        .collect()
}
