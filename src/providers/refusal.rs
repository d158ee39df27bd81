//! Why a request was refused: for the log and the metrics, never for the answer.

/// A diagnosis. The sender is told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The client's address is in none of the networks that may post.
    NotAllowed,
    /// The header is not there.
    MissingHeader,
    /// The header is there more than once.
    RepeatedHeader,
    /// The signature is written in hex.
    HexSignature,
    /// The signature is written in the URL-safe alphabet of base64.
    Base64UrlSignature,
    /// The signature is something else than 32 bytes in padded base64.
    MalformedSignature,
    /// It matches a secret without the whitespace around it.
    SecretWhitespace,
    /// It matches the body parsed and written again: something on the way re-wrote the JSON.
    ReserialisedBody,
    /// None of the known mistakes explains it.
    Mismatch,
}

impl Refusal {
    /// A stable word, for `rejected_requests.reason`, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::MissingHeader => "missing_header",
            Self::RepeatedHeader => "repeated_header",
            Self::HexSignature => "hex_signature",
            Self::Base64UrlSignature => "base64url_signature",
            Self::MalformedSignature => "malformed_signature",
            Self::SecretWhitespace => "secret_whitespace",
            Self::ReserialisedBody => "reserialised_body",
            Self::Mismatch => "mismatch",
        }
    }

    /// What the reader of the log can do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NotAllowed => {
                "client.address is not in the source's allow_from, nor in server.allow_from if it has none: add it there if it may post, or to server.trusted_proxies if it is a proxy's"
            }
            Self::MissingHeader => "not sent by the vendor, or a proxy drops the header",
            Self::RepeatedHeader => "a proxy adds the header a second time",
            Self::HexSignature => "the sender must encode the signature in base64, not hex",
            Self::Base64UrlSignature => {
                "the sender must use the standard base64 alphabet (+ and /)"
            }
            Self::MalformedSignature => "the header must be 32 bytes in padded base64",
            Self::SecretWhitespace => {
                "the configured secret has whitespace around it: remove it, then run `huntr-receiver reverify`"
            }
            Self::ReserialisedBody => {
                "a proxy parses and re-writes the JSON: make it pass the body through untouched"
            }
            Self::Mismatch => {
                "the secret is probably another webhook's: compare it with the sender's, then run `huntr-receiver reverify`"
            }
        }
    }
}
