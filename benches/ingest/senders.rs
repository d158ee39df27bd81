//! Senders that post signed, unique Actions, each over a connection of its own that it keeps.

use std::{
    cell::Cell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::future::try_join_all;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, Connection, SendRequest},
    header::HeaderValue,
};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpStream;

pub(super) const SECRET: &str = "a secret of the benchmark's own";

const SAMPLE: &str = include_str!("../../src/providers/huntr/samples/JOB_MOVED.json");
const SAMPLE_ID: &str = "69d3bce2b9fe22495dabb9b6";
/// More than any receiver acknowledges in a second on the machines this runs on.
const SIGNED_PER_SECOND: u64 = 40_000;

/// Deliveries by their number, signed beforehand.
pub(super) struct Deliveries {
    signatures: Vec<HeaderValue>,
}

/// What the senders saw.
pub(super) struct Run {
    pub(super) elapsed: Duration,
    /// Microseconds of each delivery that was answered 200 and `stored`.
    pub(super) latencies: Vec<u32>,
}

impl Deliveries {
    pub(super) fn new() -> Self {
        Self { signatures: Vec::new() }
    }

    /// Signs as many as can be sent in so many seconds.
    pub(super) fn sign(&mut self, seconds: u64) {
        let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        let numbers = 0..SIGNED_PER_SECOND * seconds;
        self.signatures.extend(numbers.map(|number| {
            let mac = keyed.clone().chain_update(Self::body(number)).finalize().into_bytes();
            HeaderValue::try_from(BASE64_STANDARD.encode(mac))
                .unwrap_or_else(|_| unreachable!("base64 is a header's value"))
        }));
    }

    /// The sample with an id of its own. The ids rise, as Huntr's do.
    pub(super) fn body(number: u64) -> String {
        SAMPLE.replacen(SAMPLE_ID, &format!("{number:024x}"), 1)
    }

    pub(super) fn body_length(&self) -> usize {
        SAMPLE.len()
    }
}
