//! What a request presents as its proof: it opens when it is right, and only then. The input is a header's value, and
//! the body.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use huntr_receiver::{
    providers::{Credential, Provider, Refusal, huntr, hunty},
    secret::Secret,
};
use sha2::Sha256;

use super::parts;

/// What is configured for both providers: the first is being replaced by the second.
const SECRETS: [&str; 2] = [
    "the old secret",
    "a much longer secret, which is the new one \u{2019}",
];

const HUNTR_HEADER: HeaderName = HeaderName::from_static("x-huntr-hmac-sha256");
const HUNTY_HEADER: HeaderName = HeaderName::from_static("x-auth-api-key");

/// Checks a header's value with a body, for each provider.
pub(crate) fn check(input: &[u8]) {
    let (header, body) = parts(input);
    // What no header can hold, HTTP has refused by then.
    let Ok(value) = HeaderValue::from_bytes(header) else {
        return;
    };
    let body = Bytes::copy_from_slice(body);
    signed(&value, &body);
    with_key(&value, &body);
}

fn signed(value: &HeaderValue, body: &Bytes) {
    let huntr = huntr::Huntr::new(&huntr::Config {
        secrets: SECRETS.map(Secret::new).into(),
        verify: true,
        api: None,
    });
    let macs = SECRETS.map(|secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
        BASE64_STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
    });
    let presented = value.as_bytes().trim_ascii();
    let is_right = macs.iter().any(|mac| mac.as_bytes() == presented);
    let credential = presents(&huntr, &HUNTR_HEADER, value);
    let is_mac = BASE64_STANDARD
        .decode(presented)
        .is_ok_and(|mac| mac.len() == 32);
    assert_eq!(credential.is_ok(), is_mac, "{value:?}");
    if let Ok(credential) = credential {
        opens(&huntr, &HUNTR_HEADER, value, &credential, body, is_right);
    }

    for mac in macs {
        let right = HeaderValue::try_from(&mac).expect("base64");
        let credential = presents(&huntr, &HUNTR_HEADER, &right).expect("a signature");
        opens(&huntr, &HUNTR_HEADER, &right, &credential, body, true);
        let longer = Bytes::from([body, &b" "[..]].concat());
        assert!(huntr.verify(credential, longer).is_err(), "of another body");
    }
    let (name, value) = huntr.sign(body).expect("a signature");
    let credential = presents(&huntr, &name, &value).expect("a signature");
    opens(&huntr, &name, &value, &credential, body, true);
}

fn with_key(value: &HeaderValue, body: &Bytes) {
    let hunty = hunty::Hunty::new(&hunty::Config {
        header: HUNTY_HEADER,
        secrets: SECRETS.map(Secret::new).into(),
        verify: true,
    });
    let is_right = SECRETS.iter().any(|key| key.as_bytes() == value.as_bytes());
    match presents(&hunty, &HUNTY_HEADER, value) {
        Ok(credential) => opens(&hunty, &HUNTY_HEADER, value, &credential, body, is_right),
        Err(refusal) => assert_eq!((refusal, value.is_empty()), (Refusal::MissingHeader, true)),
    }
}

/// What is found in the headers; also when they come twice, and not at all.
fn presents(
    provider: &dyn Provider,
    name: &HeaderName,
    value: &HeaderValue,
) -> Result<Credential, Refusal> {
    let none = provider.credential(&HeaderMap::new());
    assert_eq!(none.expect_err("none"), Refusal::MissingHeader);
    let mut headers = HeaderMap::from_iter([(name.clone(), value.clone())]);
    let credential = provider.credential(&headers);
    headers.append(name, value.clone());
    let repeated = provider.credential(&headers);
    assert_eq!(repeated.expect_err("two"), Refusal::RepeatedHeader);
    credential
}

/// Whether a credential is accepted, now and when it was kept aside; refused, the body comes back as it was.
fn opens(
    provider: &dyn Provider,
    name: &HeaderName,
    value: &HeaderValue,
    credential: &Credential,
    body: &Bytes,
    is_right: bool,
) {
    let headers = HeaderMap::from_iter([(name.clone(), value.clone())]);
    let kept = provider.keep_headers(credential, &headers);
    let recalled = provider.recall(&kept).expect("what was kept");
    for credential in [credential.clone(), recalled] {
        match provider.verify(credential, body.clone()) {
            Ok(verified) => assert!(is_right && verified.body() == body, "{value:?}"),
            Err(refused) => {
                assert!(!is_right && refused.body == body, "{value:?}");
                let why = provider.diagnose(&refused);
                assert!(matches!(
                    why,
                    Refusal::Mismatch | Refusal::SecretWhitespace | Refusal::ReserialisedBody
                ));
            }
        }
    }
}
