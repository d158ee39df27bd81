//! Huntr's signature: padded standard base64 of HMAC-SHA256 over the raw body, keyed with the secret's UTF-8 bytes.
//!
//! The prose of the API reference speaks of a "stringified" body; all of the vendor's samples sign
//! the raw bytes, and so do we.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    providers::{Credential, Refusal},
    secret::Secret,
};

/// A longer body is not tried in other spellings. A parsed one takes many times its size in memory, and
/// this one comes from a stranger.
const MAX_REWRITTEN: usize = 64 * 1024;

/// A secret, ready to sign.
pub(super) struct Key {
    secret: Secret,
    /// Keyed once; a copy signs each body.
    keyed: Hmac<Sha256>,
}

impl Key {
    pub(super) fn new(secret: &Secret) -> Self {
        Self {
            keyed: keyed(secret.expose()),
            secret: secret.clone(),
        }
    }

    pub(super) fn sign(&self, body: &[u8]) -> [u8; 32] {
        sign(&self.keyed, body)
    }
}

/// Takes a signature header apart.
pub(super) fn parse(header: &[u8]) -> Result<Credential, Refusal> {
    let header = header.trim_ascii();
    let decoded = BASE64_STANDARD.decode(header).unwrap_or_default();
    match (<[u8; 32]>::try_from(decoded), std::str::from_utf8(header)) {
        (Ok(mac), Ok(header)) => Ok(Credential::Signature {
            mac,
            header: header.to_owned(),
        }),
        _ => Err(what_instead(header)),
    }
}

pub(super) fn encode(mac: &[u8; 32]) -> String {
    BASE64_STANDARD.encode(mac)
}

/// Tries the mistakes that are known to be made, slowest last.
pub(super) fn diagnose(keys: &[Key], mac: &[u8; 32], body: &[u8]) -> Refusal {
    let signs = |keyed: &Hmac<Sha256>, body: &[u8]| bool::from(sign(keyed, body).ct_eq(mac));
    let trimmed = keys
        .iter()
        .map(|key| key.secret.expose().trim_ascii())
        .any(|secret| signs(&keyed(secret), body));
    if trimmed {
        return Refusal::SecretWhitespace;
    }
    let rewritten = rewritings(body);
    let any_rewritten = keys
        .iter()
        .any(|key| rewritten.iter().any(|body| signs(&key.keyed, body)));
    if any_rewritten {
        return Refusal::ReserialisedBody;
    }
    Refusal::Mismatch
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"))
}

fn sign(keyed: &Hmac<Sha256>, body: &[u8]) -> [u8; 32] {
    keyed
        .clone()
        .chain_update(body)
        .finalize()
        .into_bytes()
        .into()
}

fn what_instead(header: &[u8]) -> Refusal {
    if header.len() == 64 && header.iter().all(u8::is_ascii_hexdigit) {
        Refusal::HexSignature
    } else if [BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD]
        .iter()
        .any(|alphabet| alphabet.decode(header).is_ok_and(|mac| mac.len() == 32))
    {
        Refusal::Base64UrlSignature
    } else {
        Refusal::MalformedSignature
    }
}

/// The body as common JSON writers would write it: without spaces, and as Python does.
fn rewritings(body: &[u8]) -> Vec<Vec<u8>> {
    if body.len() > MAX_REWRITTEN {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Vec::new();
    };
    let python = serialize(&value, PythonFormatter);
    [serde_json::to_vec(&value).ok(), python]
        .into_iter()
        .flatten()
        .collect()
}

fn serialize(
    value: &serde_json::Value,
    formatter: impl serde_json::ser::Formatter,
) -> Option<Vec<u8>> {
    let mut written = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut written, formatter);
    serde::Serialize::serialize(value, &mut serializer).ok()?;
    Some(written)
}

/// `json.dumps` with its defaults: `", "`, `": "`, and all but ASCII escaped.
struct PythonFormatter;

impl serde_json::ser::Formatter for PythonFormatter {
    fn begin_array_value<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_key<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_value<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(ascii) if ascii.is_ascii() => writer.write_all(&[ascii])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

fn separate<W: std::io::Write + ?Sized>(writer: &mut W, first: bool) -> std::io::Result<()> {
    if first {
        Ok(())
    } else {
        writer.write_all(b", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "HUNTR_WEBHOOK_SECRET_GOES_HERE";
    const NOTE: &str = "{\"id\":\"5eae1460180a05fbb45f73af\",\"actionType\":\"NOTE_CREATED\",\"note\":{\"text\":\"San Diegans\u{2019} quality of life\"}}";
    const NOTE_BY_PYTHON: &str = "aWw2x9C+FebxRMR75wWsKN8WEWu/lXrKdDV3AgMvaYw=";

    fn key(secret: &str) -> Key {
        Key::new(&Secret::new(secret))
    }

    fn mac(header: &str) -> [u8; 32] {
        match parse(header.as_bytes()) {
            Ok(Credential::Signature { mac, .. }) => mac,
            other => panic!("{other:?}"),
        }
    }

    /// The vectors were computed with another HMAC and accepted by the vendor's own samples.
    #[test]
    fn signs_as_the_vendor_does() {
        for (body, header) in [
            ("{}", "nyy8rQpwH+HS+8VxFf1eNOmrMRR7px3UZOa8fRn4jNM="),
            (
                r#"{"id":"5eb0a4338899ba51bf96f646","actionType":"JOB_CREATED","date":1588634675}"#,
                "zti3je67OtnZYv1QLwmCUkmvJBOr29Y+Ldxmt3MzNAQ=",
            ),
            (
                r#"{ "id": "5eb0a4338899ba51bf96f646", "actionType": "JOB_CREATED", "date": 1588634675 }"#,
                "78kE2145s07maT4i+6JaojwJH72iE4XbsrYBQrcu2Pw=",
            ),
            (NOTE, "q8+LrM0pMGjTmwGjHL+PJg+PGtG1fvSFHns2cT3Pgcg="),
        ] {
            assert_eq!(encode(&key(SECRET).sign(body.as_bytes())), header);
        }
        assert_ne!(encode(&key(SECRET).sign(NOTE.as_bytes())), NOTE_BY_PYTHON);
    }

    #[test]
    fn only_padded_standard_base64_of_32_bytes_is_a_signature() {
        let hex = "a".repeat(64);
        for (header, refusal) in [
            ("", Refusal::MalformedSignature),
            ("nyy8", Refusal::MalformedSignature),
            (
                "nyy8rQpwH+HS+8VxFf1eNOmrMRR7px3UZOa8fRn4jNM",
                Refusal::MalformedSignature,
            ),
            (
                "nyy8rQpwH-HS-8VxFf1eNOmrMRR7px3UZOa8fRn4jNM=",
                Refusal::Base64UrlSignature,
            ),
            (
                "nyy8rQpwH-HS-8VxFf1eNOmrMRR7px3UZOa8fRn4jNM",
                Refusal::Base64UrlSignature,
            ),
            (&hex, Refusal::HexSignature),
        ] {
            assert_eq!(
                parse(header.as_bytes()).expect_err("no signature"),
                refusal,
                "{header}"
            );
        }
        assert!(parse(b" nyy8rQpwH+HS+8VxFf1eNOmrMRR7px3UZOa8fRn4jNM=\t").is_ok());
    }

    #[test]
    fn a_rewritten_body_is_recognised() {
        let keys = [key("other"), key(SECRET)];
        assert_eq!(
            diagnose(&keys, &mac(NOTE_BY_PYTHON), NOTE.as_bytes()),
            Refusal::ReserialisedBody
        );
        let compact = encode(&key(SECRET).sign(br#"{"b":1,"a":[1,2]}"#));
        assert_eq!(
            diagnose(&keys, &mac(&compact), br#"{ "b": 1, "a": [1, 2] }"#),
            Refusal::ReserialisedBody
        );
    }

    #[test]
    fn whitespace_around_the_secret_is_recognised() {
        let header = encode(&key("secret").sign(b"{}"));
        assert_eq!(
            diagnose(&[key(" secret\n")], &mac(&header), b"{}"),
            Refusal::SecretWhitespace
        );
        assert_eq!(
            diagnose(&[key("secrets")], &mac(&header), b"{}"),
            Refusal::Mismatch
        );
    }
}
