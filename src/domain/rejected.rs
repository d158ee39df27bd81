//! A request that claimed to be authentic and was not: kept aside, in case the secret was ours to mend.

use bytes::Bytes;

use super::{Name, Timestamp};

/// The id of a request that was kept aside (`rejected_requests.id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RejectedId(pub i64);

/// A refused request, on its way to `rejected_requests`.
#[derive(Debug, Clone)]
pub struct RejectedRequest {
    /// The source it was posted to.
    pub source: Name,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Why it was refused, as a stable word (`mismatch`, `secret_whitespace`, …).
    pub reason: &'static str,
    /// The headers worth keeping, as a JSON object of texts. A presented key is in it only as a digest.
    pub headers: serde_json::Map<String, serde_json::Value>,
    /// The raw bytes, exactly as received.
    pub body: Bytes,
}

/// A refused request as it lies in `rejected_requests`.
#[derive(Debug, Clone)]
pub struct StoredRejection {
    /// `rejected_requests.id`.
    pub id: RejectedId,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The headers that were kept.
    pub headers: serde_json::Map<String, serde_json::Value>,
    /// The raw bytes.
    pub body: Vec<u8>,
}
