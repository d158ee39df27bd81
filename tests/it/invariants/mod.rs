//! What holds for any bytes at all, one file a place where bytes come in.
//!
//! Each `check` takes bytes and panics when something does not hold. The tests call it with the samples and with what
//! chance makes of them (`mutated.rs`); the fuzzer calls the same functions with what it finds (`fuzz/`).

pub(crate) mod body;
pub(crate) mod configuration;
pub(crate) mod filter;
pub(crate) mod signature;
pub(crate) mod spool;
pub(crate) mod template;

use huntr_receiver::{
    domain::{EventId, EventRecord, NewEvent, Origin, Timestamp},
    providers::{Config, Credential, Source},
};

/// What must not be repeated.
const CANARY: &str = "S3cret-canary-4711";

/// What separates the two parts of an input that has two.
const SEPARATOR: &[u8] = b"\n---\n";

/// The two parts of an input; the second is empty when there is no separator.
fn parts(input: &[u8]) -> (&[u8], &[u8]) {
    let length = SEPARATOR.len();
    let at = input.windows(length).position(|part| part == SEPARATOR);
    at.map_or((input, b""), |at| (&input[..at], &input[at + length..]))
}

/// An authentic event with this body, as it is stored.
fn received(provider: &str, body: &[u8]) -> EventRecord {
    EventRecord::new(EventId(42), new_event(provider, body))
}

/// An authentic event with this body.
fn new_event(provider: &str, body: &[u8]) -> NewEvent {
    let trusting: figment::value::Dict = [("verify".to_owned(), false.into())].into();
    let config = Config::read(provider, &trusting.into()).expect("options");
    let source = Source::new(provider.parse().expect("a name"), config.build());
    let verified = source
        .provider()
        .verify(Credential::Unasked, body.to_vec().into());
    let at = Timestamp::from_timestamp_millis(1_795_255_200_123).expect("a time");
    source.event(verified.expect("believed"), at, Origin::Webhook)
}

/// `sha256:` and the digest in hex.
fn digest_id(body: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!(
        "sha256:{}",
        base16ct::lower::encode_string(&Sha256::digest(body))
    )
}
