//! What goes over the wire, by hand: what the receiver takes, what it does not, and how long it waits.

mod bodies;
mod clients;
mod connections;
mod crowds;
mod early;
mod headers;
mod http2;
mod oddities;

use crate::support::{SIGNATURE, head, sign};

/// The head of a request with the signature of `body`, and more headers.
fn signed(body: &str, more: &[(&str, &str)]) -> String {
    let signature = sign(body.as_bytes());
    let mut headers = vec![(SIGNATURE, signature.as_str())];
    headers.extend_from_slice(more);
    head(&headers) + "\r\n"
}

/// A whole signed request.
fn delivery(body: &str) -> String {
    signed(body, &[("content-length", &body.len().to_string())]) + body
}

const LIVE: &str = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";
